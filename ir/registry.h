// Registered<T>: a static object that enters T's registry; T has a `name` member. Looked up by name, listed sorted.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "ir/diag.h"

namespace nasc {

template <class T>
std::vector<const T*>& registry_storage() {
  static std::vector<const T*> all;
  return all;
}

template <class T>
struct Registered : T {
  Registered(T value) : T(std::move(value)) { registry_storage<T>().push_back(this); }  // NOLINT(google-explicit-constructor)
  Registered(const Registered&) = delete;
};

template <class T>
std::vector<const T*> all_registered() {
  std::vector<const T*> out = registry_storage<T>();
  std::sort(out.begin(), out.end(), [](const T* a, const T* b) { return std::string_view(a->name) < b->name; });
  return out;
}

template <class T>
const T* find_registered(std::string_view name) {
  for (const T* t : registry_storage<T>())
    if (name == t->name) return t;
  return nullptr;
}

}  // namespace nasc
