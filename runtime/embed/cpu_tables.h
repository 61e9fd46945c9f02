/* Where each instruction set announces itself: CPUID bits on x86-64, hwcap bits on AArch64. */
#ifndef NASC_CPU_TABLES_H
#define NASC_CPU_TABLES_H

#include <stdint.h>

typedef struct nasc_feature {
  const char* name;
  uint32_t leaf; /* CPUID leaf, or the auxiliary vector's key */
  uint16_t subleaf;
  uint8_t reg;   /* eax ebx ecx edx */
  uint8_t state; /* registers the OS must save: 0 none, 1 ymm, 2 zmm, 3 tiles */
  uint32_t bit;
} nasc_feature;

#if defined(__x86_64__) || defined(NASC_ALL_TABLES)
static const nasc_feature nasc_x86_features[] = {
    {"sse3", 0x1, 0, 2, 0, 0},          {"pclmul", 0x1, 0, 2, 0, 1},
    {"ssse3", 0x1, 0, 2, 0, 9},         {"fma", 0x1, 0, 2, 1, 12},
    {"cx16", 0x1, 0, 2, 0, 13},         {"sse4.1", 0x1, 0, 2, 0, 19},
    {"sse4.2", 0x1, 0, 2, 0, 20},       {"crc32", 0x1, 0, 2, 0, 20},
    {"movbe", 0x1, 0, 2, 0, 22},        {"popcnt", 0x1, 0, 2, 0, 23},
    {"aes", 0x1, 0, 2, 0, 25},          {"xsave", 0x1, 0, 2, 0, 26},
    {"avx", 0x1, 0, 2, 1, 28},          {"f16c", 0x1, 0, 2, 1, 29},
    {"rdrnd", 0x1, 0, 2, 0, 30},        {"x87", 0x1, 0, 3, 0, 0},
    {"cx8", 0x1, 0, 3, 0, 8},           {"cmov", 0x1, 0, 3, 0, 15},
    {"mmx", 0x1, 0, 3, 0, 23},          {"fxsr", 0x1, 0, 3, 0, 24},
    {"sse", 0x1, 0, 3, 0, 25},          {"sse2", 0x1, 0, 3, 0, 26},
    {"sahf", 0x80000001, 0, 2, 0, 0},   {"lzcnt", 0x80000001, 0, 2, 0, 5},
    {"sse4a", 0x80000001, 0, 2, 0, 6},  {"prfchw", 0x80000001, 0, 2, 0, 8},
    {"xop", 0x80000001, 0, 2, 1, 11},   {"fma4", 0x80000001, 0, 2, 1, 16},
    {"tbm", 0x80000001, 0, 2, 0, 21},   {"mwaitx", 0x80000001, 0, 2, 0, 29},
    {"64bit", 0x80000001, 0, 3, 0, 29}, {"clzero", 0x80000008, 0, 1, 0, 0},
    {"rdpru", 0x80000008, 0, 1, 0, 4},  {"wbnoinvd", 0x80000008, 0, 1, 0, 9},
    {"fsgsbase", 0x7, 0, 1, 0, 0},      {"bmi", 0x7, 0, 1, 0, 3},
    {"avx2", 0x7, 0, 1, 1, 5},          {"bmi2", 0x7, 0, 1, 0, 8},
    {"rtm", 0x7, 0, 1, 0, 11},          {"avx512f", 0x7, 0, 1, 2, 16},
    {"evex512", 0x7, 0, 1, 2, 16},      {"avx512dq", 0x7, 0, 1, 2, 17},
    {"rdseed", 0x7, 0, 1, 0, 18},       {"adx", 0x7, 0, 1, 0, 19},
    {"avx512ifma", 0x7, 0, 1, 2, 21},   {"clflushopt", 0x7, 0, 1, 0, 23},
    {"clwb", 0x7, 0, 1, 0, 24},         {"avx512cd", 0x7, 0, 1, 2, 28},
    {"sha", 0x7, 0, 1, 0, 29},          {"avx512bw", 0x7, 0, 1, 2, 30},
    {"avx512vl", 0x7, 0, 1, 2, 31},     {"avx512vbmi", 0x7, 0, 2, 2, 1},
    {"pku", 0x7, 0, 2, 0, 4},           {"waitpkg", 0x7, 0, 2, 0, 5},
    {"avx512vbmi2", 0x7, 0, 2, 2, 6},   {"shstk", 0x7, 0, 2, 0, 7},
    {"gfni", 0x7, 0, 2, 0, 8},          {"vaes", 0x7, 0, 2, 1, 9},
    {"vpclmulqdq", 0x7, 0, 2, 1, 10},   {"avx512vnni", 0x7, 0, 2, 2, 11},
    {"avx512bitalg", 0x7, 0, 2, 2, 12}, {"avx512vpopcntdq", 0x7, 0, 2, 2, 14},
    {"rdpid", 0x7, 0, 2, 0, 22},        {"kl", 0x7, 0, 2, 0, 23},
    {"cldemote", 0x7, 0, 2, 0, 25},     {"movdiri", 0x7, 0, 2, 0, 27},
    {"movdir64b", 0x7, 0, 2, 0, 28},    {"enqcmd", 0x7, 0, 2, 0, 29},
    {"uintr", 0x7, 0, 3, 0, 5},         {"avx512vp2intersect", 0x7, 0, 3, 2, 8},
    {"serialize", 0x7, 0, 3, 0, 14},    {"tsxldtrk", 0x7, 0, 3, 0, 16},
    {"pconfig", 0x7, 0, 3, 0, 18},      {"amx-bf16", 0x7, 0, 3, 3, 22},
    {"avx512fp16", 0x7, 0, 3, 2, 23},   {"amx-tile", 0x7, 0, 3, 3, 24},
    {"amx-int8", 0x7, 0, 3, 3, 25},     {"sha512", 0x7, 1, 0, 1, 0},
    {"sm3", 0x7, 1, 0, 1, 1},           {"sm4", 0x7, 1, 0, 1, 2},
    {"avxvnni", 0x7, 1, 0, 1, 4},       {"avx512bf16", 0x7, 1, 0, 2, 5},
    {"cmpccxadd", 0x7, 1, 0, 0, 7},     {"amx-fp16", 0x7, 1, 0, 3, 21},
    {"hreset", 0x7, 1, 0, 0, 22},       {"avxifma", 0x7, 1, 0, 1, 23},
    {"avxvnniint8", 0x7, 1, 3, 1, 4},   {"avxneconvert", 0x7, 1, 3, 1, 5},
    {"amx-complex", 0x7, 1, 3, 3, 8},   {"avxvnniint16", 0x7, 1, 3, 1, 10},
    {"prefetchi", 0x7, 1, 3, 0, 14},    {"xsaveopt", 0xd, 1, 0, 0, 0},
    {"xsavec", 0xd, 1, 0, 0, 1},        {"xsaves", 0xd, 1, 0, 0, 3},
    {"ptwrite", 0x14, 0, 1, 0, 4},
};
#endif

#if defined(__aarch64__) || defined(NASC_ALL_TABLES)
static const nasc_feature nasc_arm_features[] = {
    {"fp-armv8", 16, 0, 0, 0, 0},   {"neon", 16, 0, 0, 0, 1},     {"aes", 16, 0, 0, 0, 3},
    {"sha2", 16, 0, 0, 0, 6},       {"crc", 16, 0, 0, 0, 7},      {"lse", 16, 0, 0, 0, 8},
    {"fullfp16", 16, 0, 0, 0, 10},  {"rdm", 16, 0, 0, 0, 12},     {"jsconv", 16, 0, 0, 0, 13},
    {"complxnum", 16, 0, 0, 0, 14}, {"rcpc", 16, 0, 0, 0, 15},    {"ccpp", 16, 0, 0, 0, 16},
    {"sha3", 16, 0, 0, 0, 17},      {"sm4", 16, 0, 0, 0, 19},     {"dotprod", 16, 0, 0, 0, 20},
    {"sve", 16, 0, 0, 0, 22},       {"fp16fml", 16, 0, 0, 0, 23}, {"dit", 16, 0, 0, 0, 24},
    {"ssbs", 16, 0, 0, 0, 28},      {"sb", 16, 0, 0, 0, 29},      {"ccdp", 26, 0, 0, 0, 0},
    {"sve2", 26, 0, 0, 0, 1},       {"sve2-aes", 26, 0, 0, 0, 2}, {"sve2-bitperm", 26, 0, 0, 0, 4},
    {"sve2-sha3", 26, 0, 0, 0, 5},  {"sve2-sm4", 26, 0, 0, 0, 6}, {"altnzcv", 26, 0, 0, 0, 7},
    {"fptoint", 26, 0, 0, 0, 8},    {"f32mm", 26, 0, 0, 0, 10},   {"f64mm", 26, 0, 0, 0, 11},
    {"i8mm", 26, 0, 0, 0, 13},      {"bf16", 26, 0, 0, 0, 14},    {"rand", 26, 0, 0, 0, 16},
    {"bti", 26, 0, 0, 0, 17},       {"mte", 26, 0, 0, 0, 18},     {"sme", 26, 0, 0, 0, 23},
};
#endif

#endif
