# Compiler launcher, linker, warnings and sanitizers.
find_program(CCACHE ccache)
if(CCACHE)
  # Without these two it does not cache what is compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Our code is clean under these; third-party headers are SYSTEM.
add_library(wharf_warnings INTERFACE)
target_compile_options(wharf_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false maybe-uninitialized on std::optional and result<void> (measured, see docs/development.md).
  target_compile_options(wharf_warnings INTERFACE -Wno-maybe-uninitialized)
endif()

if(WHARF_SANITIZE)
  add_compile_options(-fsanitize=${WHARF_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${WHARF_SANITIZE})
endif()
