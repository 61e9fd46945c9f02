/* make -C examples check: runs two compiled networks side by side and prints what they think of a grey image. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tiny-mnist.h"
#include "tiny-squeezenet.h"

static int64_t elements(const nasc_io* io) {
  int64_t n = 1;
  for (int32_t d = 0; d < io->rank; ++d) n *= io->dims[d].extent >= 0 ? io->dims[d].extent : 1;
  return n;
}

/* One tensor whose symbolic extents are 1; every element of an input is 0.5. */
static nasc_tensor tensor(const nasc_io* io, int64_t* shape, float value) {
  for (int32_t d = 0; d < io->rank; ++d) shape[d] = io->dims[d].extent >= 0 ? io->dims[d].extent : 1;
  int64_t n = elements(io);
  float* data = malloc((size_t)n * sizeof *data);
  for (int64_t i = 0; data && i < n; ++i) data[i] = value;
  nasc_tensor t = {.data = data, .shape = shape, .strides = NULL, .rank = io->rank, .dtype = io->dtype};
  return t;
}

static int classify(const nasc_model_api* api) {
  nasc_handle* handle = NULL;
  char message[256] = "";
  nasc_options options = {.size = sizeof options, .abi = NASC_ABI_VERSION, .message = message, .message_size = sizeof message};
  if (api->create(&options, &handle) != NASC_OK) {
    fprintf(stderr, "%s: %s\n", api->info->model, message);
    return 1;
  }
  int64_t in_shape[8], out_shape[8];
  nasc_tensor in = tensor(&api->info->inputs[0], in_shape, 0.5f), out = tensor(&api->info->outputs[0], out_shape, 0.0f);
  nasc_status status = api->run(handle, &in, &out);
  if (status != NASC_OK) fprintf(stderr, "%s: %s: %s\n", api->info->model, api->status_text(status), api->message(handle));
  int64_t best = 0, n = elements(&api->info->outputs[0]);
  const float* scores = out.data;
  int bad = status != NASC_OK;
  for (int64_t i = 0; i < n && !bad; ++i) {
    if (!isfinite(scores[i])) bad = 1;
    if (scores[i] > scores[best]) best = i;
  }
  if (!bad) printf("%s: class %lld of %lld, score %g\n", api->info->model, (long long)best, (long long)n, scores[best]);
  free(in.data);
  free(out.data);
  return api->destroy(handle) != NASC_OK || bad;
}

int main(void) {
  int bad = classify(tiny_mnist_query(NASC_ABI_VERSION));
  return classify(tiny_squeezenet_query(NASC_ABI_VERSION)) || bad;
}
