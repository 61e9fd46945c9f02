// Canonical forms: what is the same operator, and what is not.
#include <catch2/catch.hpp>

#include "models.h"
#include "polyhedral/neural/canonical.h"

using namespace nasc;
using namespace nasc::test;

namespace {
using StepTexts = std::vector<std::string>;

std::string canon(const StepTexts& steps, const OneConv& conv = {}) {
  static const ConvForm plain = form_of(one_conv({}));
  auto form = form_after(conv.channels == 64 ? plain : form_of(one_conv(conv)), steps);
  if (!form) FAIL(form.error().code << ": " << form.error().text);
  return canonical_text(*form);
}
}  // namespace

TEST_CASE("canonical: steps that change nothing give the convolution") {
  std::string conv = canon({});
  CHECK(canon({"group(layer=conv, by=1)"}) == conv);
  CHECK(canon({"bottleneck(layer=conv, loop=ci, by=1)"}) == conv);
  CHECK(canon({"split_domain(layer=conv, loop=co, parts=1)"}) == conv);
  CHECK(canon({"split_domain(layer=conv, loop=co, parts=1)", "group(layer=conv, by=1)"}) == conv);
  CHECK(canon({"split_domain(layer=conv, loop=co, parts=4)"}) == conv);
  CHECK(canon({"peel_domain(layer=conv, loop=co, count=16)"}) == conv);
  CHECK(canon({"peel_domain(layer=conv, loop=co, count=16)", "group(layer=conv, piece=1, by=1)"}) == conv);
  CHECK(canon({"strip_domain(layer=conv, loop=co, parts=4)"}) == conv);
  CHECK(canon({"strip_domain(layer=conv, loop=ci, parts=4)", "interchange_domain(layer=conv, first=ci_o, second=co)"}) == conv);
}

TEST_CASE("canonical: nested groups multiply, depthwise is a group per channel") {
  CHECK(canon({"group(layer=conv, by=2)", "group(layer=conv, by=4)"}) == canon({"group(layer=conv, by=8)"}));
  CHECK(canon({"group(layer=conv, by=4)", "group(layer=conv, by=2)"}) == canon({"group(layer=conv, by=8)"}));
  CHECK(canon({"depthwise(layer=conv)"}) == canon({"group(layer=conv, by=64)"}));
  CHECK(canon({"group(layer=conv, by=2)", "depthwise(layer=conv)"}) == canon({"depthwise(layer=conv)"}));
  CHECK(canon({"strip_domain(layer=conv, loop=co, parts=2)", "strip_domain(layer=conv, loop=ci, parts=2)",
               "tie_domain(layer=conv, first=co_o, second=ci_o)"}) == canon({"group(layer=conv, by=2)"}));
}

TEST_CASE("canonical: steps that commute give one form") {
  CHECK(canon({"group(layer=conv, by=2)", "spatial_bottleneck(layer=conv, by=2)"}) ==
        canon({"spatial_bottleneck(layer=conv, by=2)", "group(layer=conv, by=2)"}));
  CHECK(canon({"bottleneck(layer=conv, loop=oh, by=2)", "bottleneck(layer=conv, loop=ow, by=2)"}) ==
        canon({"spatial_bottleneck(layer=conv, by=2)"}));
  CHECK(canon({"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=0, by=2)", "group(layer=conv, piece=1, by=4)"}) ==
        canon({"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=1, by=4)", "group(layer=conv, piece=0, by=2)"}));
  CHECK(canon({"bottleneck(layer=conv, loop=ci, by=2)"}) == canon({"restrict_domain(layer=conv, loop=ci, count=32)"}));
  CHECK(canon({"strip_domain(layer=conv, loop=oh, parts=2)", "bottleneck(layer=conv, loop=oh_i, by=2)"}) ==
        canon({"bottleneck(layer=conv, loop=oh, by=2)"}));
}

TEST_CASE("canonical: different operators differ") {
  std::vector<StepTexts> plans = {{},
                              {"group(layer=conv, by=2)"},
                              {"group(layer=conv, by=4)"},
                              {"bottleneck(layer=conv, loop=ci, by=2)"},
                              {"restrict_domain(layer=conv, loop=ci, first=32)"},
                              {"bottleneck(layer=conv, loop=kh, by=3)"},
                              {"bottleneck(layer=conv, loop=oh, by=2)"},
                              {"split_domain(layer=conv, loop=oh, parts=2)"},
                              {"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=0, by=2)"},
                              {"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=1, by=2)"},
                              {"group(layer=conv, by=2)", "bottleneck(layer=conv, loop=ci, by=2)"},
                              {"bottleneck(layer=conv, loop=ci, by=2)", "group(layer=conv, by=2)"},
                              {"strip_domain(layer=conv, loop=ci, parts=2)", "interchange_domain(layer=conv, first=ci_o, second=ci_i)",
                               "group(layer=conv, by=2)"}};
  std::map<std::string, size_t> seen;
  for (size_t k = 0; k < plans.size(); ++k) {
    auto [it, fresh] = seen.emplace(canon(plans[k]), k);
    INFO("plans " << k << " and " << it->second);
    CHECK(fresh);
  }
}

TEST_CASE("canonical: the text says the loops") {
  CHECK(canon({"group(layer=conv, by=2)"}, {.channels = 4, .outputs = 4}) ==
        "conv f32 1x4x4x4 to 4x4x4 bias {-1ih -1iw; 2 of 2co 2ci; 2 of 1co; 4 of 1oh 1ih; 4 of 1ow 1iw; 2 of 1ci; 3 of 1ih 1kh; "
        "3 of 1iw 1kw}");
}
