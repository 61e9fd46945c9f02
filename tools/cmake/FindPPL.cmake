# Finds the Parma Polyhedra Library (C++ interface) and defines the target PPL::ppl.
find_path(PPL_INCLUDE_DIR ppl.hh)
find_library(PPL_LIBRARY ppl)
find_library(GMP_LIBRARY gmp)
find_library(GMPXX_LIBRARY gmpxx)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PPL REQUIRED_VARS PPL_LIBRARY PPL_INCLUDE_DIR GMP_LIBRARY GMPXX_LIBRARY)
if(PPL_FOUND AND NOT TARGET PPL::ppl)
  add_library(PPL::ppl UNKNOWN IMPORTED)
  set_target_properties(PPL::ppl PROPERTIES
    IMPORTED_LOCATION ${PPL_LIBRARY}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${PPL_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES "${GMPXX_LIBRARY};${GMP_LIBRARY}")
endif()
