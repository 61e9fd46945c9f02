// BERT as exporters write it: every layer norm, GELU and attention head decomposed into plain ONNX operators.
#include <cmath>

#include "test/zoo/builder.h"
#include "test/zoo/networks.h"

namespace nasc {
namespace {

ZooValue gelu(ZooBuilder& b, const ZooValue& x) {
  ZooValue root = b.scalar(std::sqrt(2.0f)), one = b.scalar(1.0f), half = b.scalar(0.5f);
  ZooValue erf = b.unary("Erf", b.binary("Div", x, root));
  return b.binary("Mul", b.binary("Mul", x, b.add(erf, one)), half);
}

// [1,S,hidden] -> [1,heads,S,hidden/heads], or with the last two axes swapped for the keys.
ZooValue heads_of(ZooBuilder& b, const ZooValue& x, const BertSize& size, bool keys) {
  ZooValue y = b.reshape(b.linear(x, size.hidden), {1, size.sequence, size.heads, size.hidden / size.heads});
  return b.transpose(y, keys ? ZooShape{0, 2, 3, 1} : ZooShape{0, 2, 1, 3});
}

ZooValue attention(ZooBuilder& b, const ZooValue& x, const ZooValue& mask, const BertSize& size) {
  ZooValue queries = heads_of(b, x, size, false);
  ZooValue keys = heads_of(b, x, size, true);
  ZooValue values = heads_of(b, x, size, false);
  ZooValue scale = b.scalar(std::sqrt(static_cast<float>(size.hidden) / static_cast<float>(size.heads)));
  ZooValue scores = b.binary("Div", b.matmul(queries, keys), scale);
  ZooValue context = b.matmul(b.softmax(b.add(scores, mask)), values);
  return b.reshape(b.transpose(context, {0, 2, 1, 3}), {1, size.sequence, size.hidden});
}

ZooValue embeddings(ZooBuilder& b, const ZooValue& ids, const ZooValue& types, const BertSize& size) {
  ZooShape shape = {1, size.sequence, size.hidden};
  ZooValue words = b.normal("embeddings.word", {size.vocabulary, size.hidden}, 0.02);
  ZooValue kinds = b.normal("embeddings.type", {2, size.hidden}, 0.02);
  ZooValue positions = b.normal("embeddings.position", shape, 0.02);
  ZooValue word = b.node("Gather", {words, ids}, shape);
  ZooValue kind = b.node("Gather", {kinds, types}, shape);
  return b.layer_norm(b.add(b.add(word, kind), positions));
}

// 0 where the mask is 1 and -10000 where it is 0, as [1,1,1,S].
ZooValue additive_mask(ZooBuilder& b, const ZooValue& mask, const BertSize& size) {
  ZooShape shape = {1, 1, 1, size.sequence};
  ZooValue axes = b.constant("mask.axes", {2}, std::vector<int64_t>{1, 2});
  ZooValue wide = b.node("Cast", {b.node("Unsqueeze", {mask, axes}, shape)}, shape, {{"to", 1}});
  ZooValue one = b.scalar(1.0f), low = b.scalar(-10000.0f);
  return b.binary("Mul", b.binary("Sub", one, wide), low);
}

}  // namespace

std::string make_bert(const char* name, const ZooOptions& options, const BertSize& size) {
  ZooBuilder b(name, options.seed, options.fold_bn);
  ZooValue ids = b.input("input_ids", {1, size.sequence}, ZooType::int64);
  ZooValue types = b.input("token_type_ids", {1, size.sequence}, ZooType::int64);
  ZooValue mask = additive_mask(b, b.input("attention_mask", {1, size.sequence}, ZooType::int64), size);
  ZooValue x = embeddings(b, ids, types, size);
  for (int64_t layer = 0; layer < size.layers; ++layer) {
    x = b.layer_norm(b.add(b.linear(attention(b, x, mask, size), size.hidden), x));
    ZooValue inner = gelu(b, b.linear(x, size.inner));
    x = b.layer_norm(b.add(b.linear(inner, size.hidden), x));
  }
  b.output(x);
  return b.bytes();
}

}  // namespace nasc
