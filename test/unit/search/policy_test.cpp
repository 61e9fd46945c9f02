// Probabilities of Dnas and their gradient.
#include "polyhedral/search/policy.h"

#include <catch2/catch.hpp>

#include "polyhedral/search/kernel_density.h"
#include "test/unit/search/spaces.h"

using namespace nasc;

TEST_CASE("Policy: probabilities sum to one; inactive decisions contribute nothing") {
  Space space = bound("s { a = oneof(1, f(x=oneof(1, 2, 3)), 3); b = manyof(2, 1, g(y=oneof(1, "
                      "2)), 3, distinct) c = manyof(*, 1, 2) d = intv(0, 3) }");
  Policy policy(space, 16);
  Rng rng(40);
  for (auto& node : policy.logits)
    for (double& l : node)
      l = rng.normal();
  double sum = 0;
  Dna dna = first_dna(space);
  do
    sum += portable_exp(policy.log_probability(dna));
  while (advance(space, dna));
  CHECK(sum == Approx(1));
  CHECK(portable_exp(Policy(bound("s { a = oneof(1, 2, f(x=oneof(1, 2))) }"), 8)
                         .log_probability(Dna{{0}})) == Approx(1.0 / 3));
}

TEST_CASE("Policy: the gradient is that of finite differences") {
  Space space = bound(rich_space(), rich_layers());
  Policy policy(space, 8);
  Rng rng(41);
  for (auto& node : policy.logits)
    for (double& l : node)
      l = rng.normal();
  Dna dna = policy.sample(rng);
  REQUIRE(invalid(space, dna) == std::nullopt);
  std::vector<std::vector<double>> gradient = policy.logits;
  for (auto& node : gradient)
    std::fill(node.begin(), node.end(), 0.0);
  policy.add_gradient(dna, 1, gradient);
  for (size_t n = 0; n < policy.logits.size(); ++n)
    for (size_t i = 0; i < policy.logits[n].size(); ++i) {
      double old = policy.logits[n][i], h = 1e-5;
      policy.logits[n][i] = old + h;
      double up = policy.log_probability(dna);
      policy.logits[n][i] = old - h;
      double down = policy.log_probability(dna);
      policy.logits[n][i] = old;
      CHECK(gradient[n][i] == Approx((up - down) / (2 * h)).margin(1e-7));
    }
}

TEST_CASE("KernelDensity: is highest at its points, and samples near them") {
  Space space =
      bound("s { a = oneof(0, 1, 2, 3, 4) b = floatv(0.01, 100, log) c = manyof(2, 1, 2, 3) }");
  KernelSpace kernels(space);
  KernelPoint centre = kernels.point({{3, 1, 0, 2}}), other = kernels.point({{3, 1.5, 0, 2}});
  KernelDensity density(kernels, {&centre, &centre, &other}, 0.1);
  CHECK(density.log_density(centre) > density.log_density(kernels.point({{1, 1, 0, 2}})));
  CHECK(density.log_density(centre) > density.log_density(kernels.point({{3, 50, 0, 2}})));
  Rng rng(42);
  int near = 0;
  for (int i = 0; i < 500; ++i) {
    Dna dna = density.sample(rng, 1);
    REQUIRE(invalid(space, dna) == std::nullopt);
    near += dna.values[0] == 3;
  }
  CHECK(near > 400);
}
