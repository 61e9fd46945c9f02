/* Runs a compiled model on another architecture: raw_driver LIBRARY THREADS. Inputs are the files
 * in.0, in.1, ... and outputs out.0, out.1, ... of the working folder, raw and row-major; all
 * extents are constant. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/embed/abi.h"

enum { MOST = 16, MOST_RANK = 8 };

static size_t bytes_of(const nasc_io* io, int64_t* shape) {
  static const size_t widths[] = {[NASC_F32] = 4, [NASC_F64] = 8, [NASC_I32] = 4, [NASC_I64] = 8};
  size_t n = widths[io->dtype];
  for (int d = 0; d < io->rank; ++d) {
    shape[d] = io->dims[d].extent;
    n *= (size_t)shape[d];
  }
  return n;
}

static int fail(const char* what) {
  fprintf(stderr, "raw_driver: %s\n", what);
  return 1;
}

int main(int argc, char** argv) {
  void* library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (!library)
    return fail(argc == 3 ? dlerror() : "usage");
  nasc_model_query_fn query = (nasc_model_query_fn)dlsym(library, NASC_QUERY_SYMBOL);
  const nasc_model_api* api = query ? query(NASC_ABI_VERSION) : NULL;
  if (!api || api->info->n_inputs > MOST || api->info->n_outputs > MOST)
    return fail("no interface");
  static nasc_tensor tensors[2][MOST];
  static int64_t shapes[2][MOST][MOST_RANK];
  char why[512] = "", name[16];
  for (int out = 0; out < 2; ++out)
    for (int k = 0; k < (out ? api->info->n_outputs : api->info->n_inputs); ++k) {
      const nasc_io* io = out ? &api->info->outputs[k] : &api->info->inputs[k];
      if (io->rank > MOST_RANK)
        return fail("rank");
      size_t n = bytes_of(io, shapes[out][k]);
      nasc_tensor t = {
          .data = malloc(n), .shape = shapes[out][k], .rank = io->rank, .dtype = io->dtype};
      tensors[out][k] = t;
      if (out)
        continue;
      snprintf(name, sizeof name, "in.%d", k);
      FILE* f = fopen(name, "rb");
      if (!f || fread(t.data, 1, n, f) != n)
        return fail(name);
      fclose(f);
    }
  nasc_options options = {
      .size = sizeof options, .threads = atoi(argv[2]), .message = why, .message_size = sizeof why};
  nasc_handle* handle = NULL;
  if (api->create(&options, &handle) != NASC_OK)
    return fail(why);
  if (api->run(handle, tensors[0], tensors[1]) != NASC_OK)
    return fail(api->message(handle));
  for (int k = 0; k < api->info->n_outputs; ++k) {
    int64_t shape[MOST_RANK];
    size_t n = bytes_of(&api->info->outputs[k], shape);
    snprintf(name, sizeof name, "out.%d", k);
    FILE* f = fopen(name, "wb");
    if (!f || fwrite(tensors[1][k].data, 1, n, f) != n || fclose(f) != 0)
      return fail(name);
  }
  return api->destroy(handle) == NASC_OK ? 0 : fail("destroy");
}
