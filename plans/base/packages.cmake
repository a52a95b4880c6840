# Every foreign library comes through pkg-config; a missing one is named with the packages that bring it.
find_package(PkgConfig REQUIRED)

function(hamedic_missing library module debian fedora)
    message(FATAL_ERROR
        "\n  ${library} is missing (pkg-config module '${module}').\n"
        "  Debian, Ubuntu:   apt-get install ${debian}\n"
        "  Fedora, RHEL:     dnf install ${fedora}\n")
endfunction()

# A library hamedic cannot do without.
function(hamedic_require target library module debian fedora)
    pkg_check_modules(${target} IMPORTED_TARGET GLOBAL QUIET ${module})
    if(NOT ${target}_FOUND)
        hamedic_missing("${library}" "${module}" "${debian}" "${fedora}")
    endif()
endfunction()

# A library some hosts lack: sets HAMEDIC_HAVE_${option} in the cache.
function(hamedic_optional option target library module debian fedora)
    set(have OFF)
    if(NOT HAMEDIC_WITH_${option} STREQUAL "OFF")
        pkg_check_modules(${target} IMPORTED_TARGET GLOBAL QUIET ${module})
        if(${target}_FOUND)
            set(have ON)
        elseif(HAMEDIC_WITH_${option} STREQUAL "ON")
            hamedic_missing("${library}" "${module}" "${debian}" "${fedora}")
        else()
            message(STATUS "${library} is missing ('${module}'): what needs it will answer \"unsupported\"")
        endif()
    endif()
    set(HAMEDIC_HAVE_${option} ${have} CACHE INTERNAL "")
endfunction()

hamedic_require(SODIUM libsodium libsodium libsodium-dev libsodium-devel)
hamedic_require(JANSSON jansson jansson libjansson-dev jansson-devel)
if(NOT HAMEDIC_PLANS_ONLY)
    hamedic_require(CONFUSE libconfuse libconfuse libconfuse-dev libconfuse-devel)
    hamedic_require(MNL libmnl libmnl libmnl-dev libmnl-devel)
    hamedic_optional(SELINUX LIBSELINUX libselinux libselinux libselinux1-dev libselinux-devel)
    hamedic_optional(SEMANAGE LIBSEMANAGE libsemanage libsemanage libsemanage-dev libsemanage-devel)
    hamedic_optional(SEPOL LIBSEPOL libsepol libsepol libsepol-dev libsepol-devel)
    hamedic_optional(AUDIT LIBAUDIT libauparse auparse libauparse-dev audit-libs-devel)
    hamedic_optional(OPENSSL LIBOPENSSL OpenSSL openssl libssl-dev openssl-devel)
    hamedic_optional(SYSTEMD LIBSYSTEMD libsystemd libsystemd libsystemd-dev systemd-devel)
    hamedic_optional(ZLIB LIBZLIB zlib zlib zlib1g-dev zlib-devel)
    hamedic_optional(ZSTD LIBZSTD libzstd libzstd libzstd-dev libzstd-devel)
    hamedic_optional(LZMA LIBLZMA liblzma liblzma liblzma-dev xz-devel)
endif()
if(HAMEDIC_TESTS)
    hamedic_require(CMOCKA cmocka cmocka libcmocka-dev libcmocka-devel)
endif()
