/* tests/unit/cmocka_all: cmocka with what it needs before it. */
#ifndef HAMEDIC_TESTS_CMOCKA_ALL_H
#define HAMEDIC_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
