/* policies/policy_builtin_text: the bytes of default.conf, made at build time. */
#ifndef HAMEDIC_POLICIES_POLICY_BUILTIN_TEXT_H
#define HAMEDIC_POLICIES_POLICY_BUILTIN_TEXT_H

#include <stddef.h>

extern const unsigned char policy_builtin_text[];
extern const size_t policy_builtin_size;

#endif
