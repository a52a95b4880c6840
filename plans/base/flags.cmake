# Warnings (each probed) and hardening, for every target.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)

add_library(hamedic_flags INTERFACE)
target_include_directories(hamedic_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
# `assert` stays on in every build: it is for our own bugs.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_MINSIZEREL "${CMAKE_C_FLAGS_MINSIZEREL}")
target_compile_definitions(hamedic_flags INTERFACE _GNU_SOURCE HAMEDIC_VERSION="${PROJECT_VERSION}")

foreach(flag
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wundef -Wvla
        -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wimplicit-fallthrough
        -Wnull-dereference
        -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-common)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
        target_compile_options(hamedic_flags INTERFACE ${flag})
    endif()
endforeach()
if(HAMEDIC_WERROR)
    target_compile_options(hamedic_flags INTERFACE -Werror)
endif()
if(HAMEDIC_SANITIZE)
    target_compile_options(hamedic_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(hamedic_flags INTERFACE -fsanitize=address,undefined)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(hamedic_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
target_link_options(hamedic_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

# One library a layer. Its folder's *.c files are its parts: adding a file needs no line here.
function(hamedic_layer name)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    list(APPEND sources ${ARGN})
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC hamedic_flags)
endfunction()
