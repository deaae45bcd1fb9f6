# One static library per folder of the architecture; sources are found by folder. UNFUZZED: no fuzz target asks more of it
# than a function or two, so it goes without the coverage that libFuzzer wants (a quarter of its compile time under the sanitizers).

function(wharf_module name)
  cmake_parse_arguments(M "UNFUZZED" "" "DIRS;LINK" ${ARGN})
  set(sources)
  foreach(dir ${M_DIRS})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.cpp)
    list(FILTER found EXCLUDE REGEX "/daemon/main\\.cpp$")
    list(APPEND sources ${found})
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${M_LINK} PRIVATE wharf_warnings)
    if(WHARF_FUZZ AND NOT M_UNFUZZED)
      target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    if(WHARF_PRECOMPILE AND EXISTS ${CMAKE_SOURCE_DIR}/cmake/precompiled/${name}.h)
      wharf_precompile(${name} cmake/precompiled/${name}.h)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${M_LINK})
  endif()
endfunction()

# Compiles every .proto of a folder to lite C++ under the build tree: include as "<folder>/x.pb.h".
function(wharf_protobuf name dir)
  file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.proto)
  set(out ${CMAKE_BINARY_DIR}/generated)
  set(generated)
  foreach(proto ${protos})
    get_filename_component(stem ${proto} NAME_WE)
    set(base ${out}/${dir}/${stem}.pb)
    add_custom_command(
      OUTPUT ${base}.cc ${base}.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND protobuf::protoc --cpp_out=lite:${out} -I ${CMAKE_SOURCE_DIR} ${proto}
      DEPENDS ${proto} VERBATIM)
    list(APPEND generated ${base}.cc ${base}.h)
  endforeach()
  if(generated)
    add_library(${name} STATIC ${generated})
    target_include_directories(${name} SYSTEM PUBLIC ${out})
    target_link_libraries(${name} PUBLIC protobuf::libprotobuf-lite)
  else()
    add_library(${name} INTERFACE)
  endif()
endfunction()

# The token dictionaries, generated from protocol/binary/tokens.json.
function(wharf_tokens name)
  set(out ${CMAKE_BINARY_DIR}/generated/protocol/binary)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_custom_command(
    OUTPUT ${out}/token_table.inc
    COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
    COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/cmake/generate_tokens.py
            ${CMAKE_SOURCE_DIR}/protocol/binary/tokens.json ${out}/token_table.inc
    DEPENDS ${CMAKE_SOURCE_DIR}/protocol/binary/tokens.json ${CMAKE_SOURCE_DIR}/cmake/generate_tokens.py VERBATIM)
  add_custom_target(${name}_generate DEPENDS ${out}/token_table.inc)
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_generate)
  target_include_directories(${name} INTERFACE ${CMAKE_BINARY_DIR}/generated)
endfunction()

# A Catch2 suite: every *_test.cpp of a folder under tests/. SUITE shares the compiled Catch2 main. PRECOMPILE: a header
# that most of its files include, by its path here, compiled once for them; without one the suite shares that of
# test_support.
function(wharf_suite name)
  cmake_parse_arguments(S "" "DIR;PRECOMPILE" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${S_DIR}/*.cpp)
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE catch2_main test_support ${S_LINK} wharf_warnings)
    wharf_precompile(${name} ${S_PRECOMPILE})
    add_test(NAME ${name} COMMAND ${name} "~[long]")
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)  # a hang fails here, not in the whole run
  endif()
endfunction()

# Half of the time that a file takes to compile goes into its headers. Tests are always built so, the product only in the
# presets that are there to run it and not to ship it: elsewhere each of its files must include what it uses.
function(wharf_precompile name)
  if(NOT ARGN)
    target_precompile_headers(${name} REUSE_FROM test_support)
    return()
  endif()
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/)
  target_precompile_headers(${name} PRIVATE ${ARGN})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")  # as it may come from ccache
  endif()
endfunction()
