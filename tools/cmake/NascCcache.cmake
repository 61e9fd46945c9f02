# Compiles through ccache when it is found; checkouts of one revision in different folders share their objects.
find_program(NASC_CCACHE ccache)
find_program(NASC_ENV env)
if(NASC_CCACHE AND NASC_ENV AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher ${NASC_ENV} CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${NASC_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
