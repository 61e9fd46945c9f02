// Statements of a definition: iterators, accesses and the domain they allow.
#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <unordered_map>

#include "ir/einsum_build.h"
#include "ir/isl_box.h"
#include "ir/joined.h"

namespace nasc::einsum {
namespace {

// Parameters are the names in isl text that are neither iterators nor words of isl.
std::string parameters_of(const std::string& text, const std::vector<std::string>& iterators) {
  static const std::set<std::string> words = {"floor", "mod", "and", "or", "not", "exists", "min", "max"};
  std::string out;
  std::set<std::string> seen;
  for (size_t at = 0; at < text.size();) {
    auto letter = [&](size_t k) { return std::isalnum(static_cast<unsigned char>(text[k])) || text[k] == '_'; };
    if (!letter(at)) {
      ++at;
      continue;
    }
    size_t begin = at;
    while (at < text.size() && letter(at)) ++at;
    std::string word = text.substr(begin, at - begin);
    if (std::isdigit(static_cast<unsigned char>(word[0])) || words.contains(word) || !seen.insert(word).second ||
        std::find(iterators.begin(), iterators.end(), word) != iterators.end())
      continue;
    out += (out.empty() ? "" : ", ") + word;
  }
  return out.empty() ? "" : "[" + out + "] -> ";
}

// Binds the iterators of one statement.
struct Binder {
  Builder& b;
  Current& c;

  bool unbound(const std::string& name) const { return !b.find(name) && std::islower(static_cast<unsigned char>(name[0])); }

  Val iterator(const std::string& name, const Extent& extent) {
    std::string unique = name;
    auto taken = [&] {
      if (std::find(c.iterators.begin(), c.iterators.end(), unique) != c.iterators.end()) return true;
      for (const auto& i : b.call.inputs)
        if (i)
          for (const auto& e : i->shape)
            for (const auto& p : e.parameters())
              if (p == unique) return true;
      return false;
    };
    while (taken()) unique += "_";
    c.iterators.push_back(unique);
    c.extents.push_back(isl_text(extent));
    return Index{unique, nasc::iterator(static_cast<int>(c.iterators.size()) - 1)};
  }
  void bind(const std::string& name, const Extent& extent) { b.env.emplace_back(name, iterator(name, extent)); }
  void bind_list(const std::string& name, const Shape& extents) {
    List out;
    for (size_t k = 0; k < extents.size(); ++k) out.push_back(iterator(name + std::to_string(k), extents[k]));
    b.env.emplace_back(name, std::move(out));
  }

  bool has_unbound(const AstRef& e, std::set<std::string> local = {}) const {
    if (!e) return false;
    if (e->kind == Ast::name || e->kind == Ast::spread) {
      static const std::set<std::string> constants = {"none", "inf", "nan", "pi", "opset", "outputs", "true", "false"};
      return !local.contains(e->text) && !constants.contains(e->text) && unbound(e->text);
    }
    if (e->kind == Ast::comprehension) local.insert(e->text);
    return std::any_of(e->args.begin(), e->args.end(), [&](const AstRef& a) { return has_unbound(a, local); });
  }
  static bool bare(const AstRef& e) { return e && (e->kind == Ast::name || e->kind == Ast::spread); }

  // Binds the bare new names of tensor[items]; false when that has to wait for names inside expressions.
  bool access(int id, const Ast& e, bool force) {
    bool fresh = false, waits = false;
    for (size_t k = 1; k < e.args.size(); ++k) {
      if (!has_unbound(e.args[k])) continue;
      if (bare(e.args[k])) fresh = true;
      else waits = true;
    }
    if (!fresh) return true;
    if (waits && !force) return false;
    const Shape& shape = b.operands[id].tensor.shape;
    std::vector<size_t> count(e.args.size(), 1);
    size_t sum = 0, open = 0;
    for (size_t k = 1; k < e.args.size(); ++k) {
      bool is_new = has_unbound(e.args[k]);
      if (is_new && e.args[k]->kind == Ast::spread) {
        open = k;
        continue;
      }
      if (!is_new) {
        Val v = b.eval(e.args[k]);
        if (v.list()) count[k] = v.list()->size();
      }
      sum += count[k];
    }
    if (open) {
      NASC_CHECK(sum <= shape.size()) << "definition of " << b.call.name << ": indices of " << b.operands[id].tensor.name;
      count[open] = shape.size() - sum;
    }
    size_t at = 0;
    for (size_t k = 1; k < e.args.size(); ++k) {
      NASC_CHECK(at + count[k] <= shape.size())
          << "definition of " << b.call.name << ": indices of " << b.operands[id].tensor.name << text(shape);
      if (bare(e.args[k]) && has_unbound(e.args[k])) {
        if (k == open) bind_list(e.args[k]->text, Shape(shape.begin() + at, shape.begin() + at + count[k]));
        else bind(e.args[k]->text, shape[at]);
      }
      at += count[k];
    }
    return true;
  }

  // The tensor that an index expression reads, if it is one.
  std::optional<int> tensor_of(const AstRef& base) const {
    if (base->kind == Ast::name) {
      const Val* v = b.find(base->text);
      if (v && v->as<TensorRef>()) return v->as<TensorRef>()->id;
    }
    if (base->kind == Ast::index && base->args[0]->kind == Ast::name && base->args.size() == 2) {
      const Val* v = b.find(base->args[0]->text);
      if (v && v->list() && !v->list()->empty() && (*v->list())[0].as<TensorRef>() && !has_unbound(base->args[1])) {
        Val element = b.eval(base);
        if (element.as<TensorRef>()) return element.as<TensorRef>()->id;
      }
    }
    return std::nullopt;
  }
  void accesses(const AstRef& e, std::vector<std::pair<int, const Ast*>>& out) const {
    if (!e) return;
    if (e->kind == Ast::index)
      if (auto id = tensor_of(e->args[0])) {
        out.emplace_back(*id, e.get());
        return;
      }
    for (const auto& a : e->args) accesses(a, out);
  }
  void reads(const AstRef& body) {
    std::vector<std::pair<int, const Ast*>> open;
    accesses(body, open);
    for (bool force = false; !open.empty();) {
      std::vector<std::pair<int, const Ast*>> left;
      for (auto& [id, e] : open)
        if (!access(id, *e, force && left.empty())) left.emplace_back(id, e);
      force = left.size() == open.size();
      open = std::move(left);
    }
  }
};

isl::multi_aff map_of(const Current& c, const std::string& tensor, const std::vector<std::string>& index) {
  std::string body = joined(index);
  std::string key = parameters_of(body, c.iterators) + "{ " + c.name + "[" + joined(c.iterators) + "] -> " + tensor + "[" + body + "] }";
  // Layers of other extents have the same accesses, and reading them is most of making a statement.
  constexpr size_t kMost = 4096;
  static thread_local std::unordered_map<std::string, isl::multi_aff> known;
  if (auto it = known.find(key); it != known.end()) return it->second;
  isl::multi_aff made(isl_context(), key);
  check_isl_quota();
  if (known.size() >= kMost) known.clear();
  return known.emplace(std::move(key), std::move(made)).first->second;
}

// Every index is surely inside of the tensor; isl is asked about the rest.
bool stays_inside(const Tensor& t, const isl::multi_aff& map, const std::vector<std::pair<int64_t, int64_t>>& iterators) {
  for (int d = 0; d < t.rank(); ++d) {
    auto range = t.shape[d].is_constant() ? range_over(quasi(map.at(d)), iterators) : std::nullopt;
    if (!range || range->first < 0 || range->second >= t.shape[d].constant()) return false;
  }
  return true;
}

std::vector<std::string> isl_index(const Builder& b, const Operand& o, const std::vector<Val>& index) {
  NASC_CHECK(index.size() == o.tensor.shape.size())
      << "definition of " << b.call.name << ": " << index.size() << " indices for " << o.tensor.name
      << text(o.tensor.shape);
  std::vector<std::string> out;
  for (const auto& v : index) {
    Index i = index_of(v);
    if (i.isl.empty())
      throw UserError(code::unsupported_shape, "", text("an index of ", o.tensor.name, " is not affine in the extents"));
    out.push_back(i.isl);
  }
  return out;
}

}  // namespace

Val Builder::access(int id, const std::vector<Val>& index) {
  NASC_CHECK(current) << "definition of " << call.name << ": access outside a statement";
  Operand& o = operands[id];
  o.used = true;
  Current::Read read{id, isl_index(*this, o, index)};
  size_t k = 0;
  while (k < current->reads.size() && (current->reads[k].id != id || current->reads[k].index != read.index)) ++k;
  if (k == current->reads.size()) current->reads.push_back(std::move(read));
  return cast(o.tensor.dtype == DType::f16 ? DType::f32 : o.tensor.dtype,
              nasc::read(static_cast<int>(k), o.tensor.dtype));
}

Val Builder::read_broadcast(int id) {
  NASC_CHECK(current && current->target >= 0) << "definition of " << call.name << ": a tensor outside a statement";
  const Shape &shape = operands[id].tensor.shape, &out = operands[current->target].tensor.shape;
  NASC_CHECK(shape.size() <= out.size()) << "definition of " << call.name << ": rank of " << operands[id].tensor.name;
  std::vector<Val> index;
  for (size_t k = 0, lead = out.size() - shape.size(); k < shape.size(); ++k)
    index.push_back(shape[k].is(1) && !out[lead + k].is(1) ? Val(0) : current->write[lead + k]);
  return access(id, index);
}

void Builder::statement(const Line& line) {
  const AstRef& target = line.other;
  bool whole = target->kind == Ast::name;
  Val to = eval(whole ? target : target->args[0]);
  if (to.none()) return;  // an output that the node does not have
  auto ref = to.as<TensorRef>();
  NASC_CHECK(ref) << "definition of " << call.name << ": target of a statement";
  Current c;
  c.target = ref->id;
  Operand& o = operands[c.target];
  o.used = true;
  c.name = o.tensor.name;
  for (char& ch : c.name) ch = static_cast<char>(std::tolower(static_cast<unsigned char>(ch)));
  c.name += std::to_string(program.statements.size());
  size_t mark = env.size();
  Binder binder{*this, c};
  if (whole) {
    binder.bind_list("i", o.tensor.shape);
    c.write = list_of(env.back().second);
  } else {
    binder.access(c.target, *target, true);
  }
  for (const auto& clause : line.clauses) {
    Val range = eval(clause.range);
    if (clause.spread) binder.bind_list(clause.name, shape_of(range));
    else binder.bind(clause.name, extent_of(range));
  }
  binder.reads(line.expr);
  for (size_t k = 1; !whole && k < target->args.size(); ++k) {
    Val v = eval(target->args[k]);
    if (auto l = v.list()) c.write.insert(c.write.end(), l->begin(), l->end());
    else c.write.push_back(std::move(v));
  }
  current = &c;
  Val value = scalar(eval(line.expr));
  NASC_CHECK(!value.none()) << "definition of " << call.name << ": a body reads an absent input";
  std::string bounds, conditions;
  for (size_t k = 0; k < c.iterators.size(); ++k)
    bounds += (bounds.empty() ? "" : " and ") + ("0 <= " + c.iterators[k] + " < " + c.extents[k]);
  for (const auto& e : line.conditions) {
    Val v = eval(e);
    if (v.list()) {
      for (const auto& one : *v.list()) conditions += " and " + cond_of(one).isl;
    } else {
      conditions += " and (" + cond_of(v).isl + ")";
    }
  }
  current = nullptr;
  env.resize(mark);

  auto set_of = [&](std::string constraints) {
    if (constraints.starts_with(" and ")) constraints.erase(0, 5);
    return read_set(parameters_of(constraints, c.iterators) + "{ " + c.name + "[" + joined(c.iterators) + "]" +
                    (constraints.empty() ? "" : " : " + constraints) + " }");
  };
  isl::set box = set_of(bounds), domain = conditions.empty() ? box : set_of(bounds + conditions);
  if (!conditions.empty()) box = domain;
  const auto intervals = plain_box(box);
  auto restrict_to = [&](const Operand& operand, const isl::multi_aff& map) {
    if (intervals && stays_inside(operand.tensor, map, *intervals)) return;
    isl::set inside = extent_set(operand.tensor).preimage(map);
    if (!domain.is_subset(inside)) domain = domain.intersect(inside);
  };
  std::vector<std::string> write = isl_index(*this, o, c.write);
  isl::multi_aff to_map = map_of(c, o.tensor.name, write);
  restrict_to(o, to_map);
  Statement s(c.name, c.iterators, domain, Access{o.tensor.name, to_map});
  for (const auto& r : c.reads) {
    const Operand& from = operands[r.id];
    Access a{from.tensor.name, map_of(c, from.tensor.name, r.index)};
    restrict_to(from, a.map);
    s.reads.push_back(std::move(a));
  }
  s.domain = domain.coalesce();
  s.box = box;
  s.combine = *find_combine(line.words[0]);
  s.body = cast(o.tensor.dtype, body_of(value, o.tensor.dtype));
  program.statements.push_back(std::move(s));
  if (program.statements.size() > 4096)
    throw UserError(code::limit, "", "the operator needs more than 4096 statements");
}

}  // namespace nasc::einsum
