# nasc_library(NAME [PLUGINS] SOURCES ... LINKS ...): one object or static library per folder.
# PLUGINS: the folder registers things by static objects, so it is an OBJECT library, which an executable must link
# directly: nasc_executable does that for every folder named in NASC_PLUGIN_LIBRARIES.
function(nasc_library name)
  cmake_parse_arguments(ARG "PLUGINS" "" "SOURCES;LINKS" ${ARGN})
  if(ARG_PLUGINS)
    add_library(${name} OBJECT ${ARG_SOURCES})
    set_property(GLOBAL APPEND PROPERTY NASC_PLUGIN_LIBRARIES ${name})
  else()
    add_library(${name} STATIC ${ARG_SOURCES})
  endif()
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror)
  target_link_libraries(${name} PUBLIC ${ARG_LINKS})
endfunction()

# libLLVM exports another isl: ours goes ahead of everything on the link line, and stays there unused or not.
function(nasc_isl_first name)
  target_link_options(${name} BEFORE PRIVATE
    LINKER:--push-state,--no-as-needed ${ISL_LIBRARY} LINKER:--pop-state)
endfunction()

# nasc_executable(NAME [NO_PLUGINS] [NO_INSTALL] SOURCES ... LINKS ...): links every plug-in folder, so that no
# registration is lost, and is installed. NO_PLUGINS: a helper that needs none of them.
function(nasc_executable name)
  cmake_parse_arguments(ARG "NO_PLUGINS;NO_INSTALL" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  if(NOT ARG_NO_PLUGINS)
    get_property(plugins GLOBAL PROPERTY NASC_PLUGIN_LIBRARIES)
  endif()
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} ${plugins})
  nasc_isl_first(${name})
  if(NOT ARG_NO_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()
