# cmake -DINPUT=file -DOUTPUT=file.cpp -DNAME=name -P EmbedFile.cmake: the bytes of a file as nasc::embedded_NAME.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)"
  "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "// Made by the build from ${NAME}.
namespace nasc {
extern const unsigned char embedded_${NAME}[] __attribute__((aligned(16)));
extern const unsigned embedded_${NAME}_size;
const unsigned char embedded_${NAME}[] = {
${bytes}};
const unsigned embedded_${NAME}_size = ${size};
}
")
