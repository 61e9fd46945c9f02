// SharedVector: a vector whose copies share their elements until one of them is edited.
#pragma once

#include <iterator>
#include <memory>
#include <vector>

namespace nasc {

// Every step of a plan gives a new Network, most of whose buffers are those of the old one. Elements are read as of a
// vector and written through edit().
template <class T>
class SharedVector {
  using Items = std::vector<std::shared_ptr<T>>;
  Items items_;

 public:
  class Iterator {
    typename Items::const_iterator at_;

   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;
    Iterator() = default;
    explicit Iterator(typename Items::const_iterator at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;
  };

  using value_type = T;
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  const T& operator[](size_t k) const { return *items_[k]; }
  const T& at(size_t k) const { return *items_.at(k); }
  const T& front() const { return *items_.front(); }
  const T& back() const { return *items_.back(); }
  Iterator begin() const { return Iterator(items_.begin()); }
  Iterator end() const { return Iterator(items_.end()); }

  // The element, this vector's own from now on. What refers to it as other vectors have it stays theirs.
  T& edit(size_t k) {
    std::shared_ptr<T>& item = items_[k];
    if (item.use_count() > 1) item = std::make_shared<T>(*item);
    return *item;
  }
  void push_back(T item) { items_.push_back(std::make_shared<T>(std::move(item))); }
  void reserve(size_t n) { items_.reserve(n); }
  void clear() { items_.clear(); }
  void shrink(size_t n) { items_.resize(n); }  // n <= size()
  void move(size_t from, size_t to) { items_[to] = std::move(items_[from]); }  // nothing is left at `from`
};

}  // namespace nasc
