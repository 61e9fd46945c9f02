# Finds isl (headers and library) and defines the target ISL::isl.
find_path(ISL_INCLUDE_DIR isl/cpp.h)
find_library(ISL_LIBRARY isl)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ISL REQUIRED_VARS ISL_LIBRARY ISL_INCLUDE_DIR)
if(ISL_FOUND AND NOT TARGET ISL::isl)
  add_library(ISL::isl UNKNOWN IMPORTED)
  set_target_properties(ISL::isl PROPERTIES
    IMPORTED_LOCATION ${ISL_LIBRARY}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${ISL_INCLUDE_DIR})
endif()
