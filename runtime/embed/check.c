/* What the caller gives against what the model states: every difference is a status and a message
 * that names the tensor, what was expected and what was given. */
#include "internal.h"

#define FAIL(status, ...) return nasc_fail(h->message, sizeof h->message, status, __VA_ARGS__)

int64_t nasc_extent(const nasc_dim* dim, const int64_t* values) {
  return dim->extent >= 0 ? dim->extent : values[-1 - dim->extent];
}

/* Bytes of a tensor, -1 on overflow. */
static int64_t byte_count(const nasc_tensor* t) {
  for (int32_t d = 0; d < t->rank; ++d)
    if (t->shape[d] == 0)
      return 0;
  int64_t n = nasc_dtype_bytes(t->dtype);
  for (int32_t d = 0; d < t->rank; ++d)
    if (__builtin_mul_overflow(n, t->shape[d], &n))
      return -1;
  return n;
}

static int row_major(const nasc_tensor* t) {
  int64_t stride = 1;
  for (int32_t d = t->rank - 1; d >= 0; --d) {
    if (t->shape[d] != 1 && t->strides[d] != stride)
      return 0;
    stride *= t->shape[d];
  }
  return 1;
}

/* Everything that needs no values: rank, type, device, extents that are constant. */
static nasc_status check_form(nasc_handle* h, const nasc_io* io, const nasc_tensor* t,
                              const char* role) {
  if (t->rank != io->rank)
    FAIL(NASC_E_RANK, "%s '%s': rank %d expected, %d given", role, io->name, io->rank, t->rank);
  if (t->rank > 0 && !t->shape)
    FAIL(NASC_E_NULL, "%s '%s': shape is NULL", role, io->name);
  if (t->dtype != io->dtype)
    FAIL(NASC_E_DTYPE, "%s '%s': type %s expected, %s (%d) given", role, io->name,
         nasc_dtype_name(io->dtype), nasc_dtype_name(t->dtype), t->dtype);
  if (t->device != NASC_HOST)
    FAIL(NASC_E_DEVICE, "%s '%s': host memory expected, device %d given", role, io->name,
         t->device);
  for (int32_t d = 0; d < t->rank; ++d)
    if (t->shape[d] < 0 || (io->dims[d].extent >= 0 && t->shape[d] != io->dims[d].extent))
      FAIL(NASC_E_SHAPE, "%s '%s': extent %lld of dimension %d expected, %lld given", role,
           io->name, io->dims[d].extent < 0 ? 0LL : (long long)io->dims[d].extent, d,
           (long long)t->shape[d]);
  return NASC_OK;
}

static nasc_status check_memory(nasc_handle* h, const nasc_io* io, const nasc_tensor* t,
                                const char* role) {
  int64_t bytes = byte_count(t);
  if (bytes < 0)
    FAIL(NASC_E_MEMORY, "%s '%s': its size overflows", role, io->name);
  if (bytes == 0)
    return NASC_OK;
  if (t->strides && !row_major(t))
    FAIL(NASC_E_STRIDES, "%s '%s': strides are not row-major", role, io->name);
  if (!t->data)
    FAIL(NASC_E_NULL, "%s '%s': data is NULL, %lld bytes expected", role, io->name,
         (long long)bytes);
  if ((uintptr_t)t->data % (uintptr_t)nasc_dtype_bytes(t->dtype) != 0)
    FAIL(NASC_E_ARGUMENT, "%s '%s': data is not aligned to its type %s", role, io->name,
         nasc_dtype_name(t->dtype));
  return NASC_OK;
}

/* Dimensions that name a value have it. */
static nasc_status check_values(nasc_handle* h, const nasc_io* io, const nasc_tensor* t,
                                const char* role) {
  for (int32_t d = 0; d < t->rank; ++d) {
    int64_t wanted = nasc_extent(&io->dims[d], h->scratch);
    if (wanted < 0)
      FAIL(NASC_E_SHAPE, "%s '%s': extent of dimension %d is negative (%lld) for these inputs",
           role, io->name, d, (long long)wanted);
    if (t->shape[d] != wanted) {
      const char* symbol = io->dims[d].symbol;
      FAIL(NASC_E_SHAPE, "%s '%s': extent %lld of dimension %d%s%s%s expected, %lld given", role,
           io->name, (long long)wanted, d, symbol ? " (" : "", symbol ? symbol : "",
           symbol ? ")" : "", (long long)t->shape[d]);
    }
  }
  return NASC_OK;
}

static nasc_status read_parameters(nasc_handle* h, const nasc_tensor* inputs) {
  const nasc_model_desc* m = h->desc;
  for (int32_t p = 0; p < m->n_params; ++p) {
    const nasc_param* q = &m->params[p];
    int64_t v = inputs[q->input].shape[q->dim];
    if (v < q->min || v > q->max)
      FAIL(NASC_E_SHAPE, "input '%s': extent of dimension %d (%s) must be %lld to %lld, %lld given",
           m->info->inputs[q->input].name, q->dim, q->name, (long long)q->min, (long long)q->max,
           (long long)v);
    h->scratch[p] = v;
  }
  if (m->evaluate && m->evaluate(h->scratch) != 0)
    FAIL(NASC_E_MEMORY, "a size overflows for these extents");
  return NASC_OK;
}

nasc_status nasc_check_inputs(nasc_handle* h, const nasc_tensor* inputs, int need_data) {
  const nasc_info* info = h->desc->info;
  if (info->n_inputs > 0 && !inputs)
    FAIL(NASC_E_NULL, "inputs is NULL, %d tensors expected", info->n_inputs);
  nasc_status s = NASC_OK;
  for (int32_t k = 0; k < info->n_inputs && !s; ++k)
    s = check_form(h, &info->inputs[k], &inputs[k], "input");
  if (!s)
    s = read_parameters(h, inputs);
  for (int32_t k = 0; k < info->n_inputs && !s; ++k)
    s = check_values(h, &info->inputs[k], &inputs[k], "input");
  for (int32_t k = 0; k < info->n_inputs && need_data && !s; ++k)
    s = check_memory(h, &info->inputs[k], &inputs[k], "input");
  return s;
}

static int overlap(const nasc_tensor* a, const nasc_tensor* b) {
  uintptr_t x = (uintptr_t)a->data, y = (uintptr_t)b->data;
  uintptr_t m = (uintptr_t)byte_count(a), n = (uintptr_t)byte_count(b);
  return m && n && x < y + n && y < x + m;
}

nasc_status nasc_check_outputs(nasc_handle* h, const nasc_tensor* inputs,
                               const nasc_tensor* outputs) {
  const nasc_info* info = h->desc->info;
  if (info->n_outputs > 0 && !outputs)
    FAIL(NASC_E_NULL, "outputs is NULL, %d tensors expected", info->n_outputs);
  for (int32_t k = 0; k < info->n_outputs; ++k) {
    const nasc_io* io = &info->outputs[k];
    nasc_status s = check_form(h, io, &outputs[k], "output");
    if (!s)
      s = check_values(h, io, &outputs[k], "output");
    if (!s)
      s = check_memory(h, io, &outputs[k], "output");
    if (s)
      return s;
    for (int32_t j = 0; j < info->n_inputs; ++j)
      if (overlap(&outputs[k], &inputs[j]))
        FAIL(NASC_E_ARGUMENT, "output '%s' overlaps input '%s'", io->name, info->inputs[j].name);
    for (int32_t j = 0; j < k; ++j)
      if (overlap(&outputs[k], &outputs[j]))
        FAIL(NASC_E_ARGUMENT, "output '%s' overlaps output '%s'", io->name, info->outputs[j].name);
  }
  return NASC_OK;
}
#undef FAIL
