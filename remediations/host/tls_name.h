/* host/tls_name: is a certificate's name the one that HAProxy wants? Pure.
 * Shapes:  `pattern` is a DNS name of the certificate, "*.example.com" or "www*.example.com" too: one star, in
 *          the leftmost label, which stands for what is there in that label and for nothing more.
 * Source:  HAProxy, ssl_sock_srv_hostcheck() (2.4 to 3.2): unlike X509_check_host(3) it takes "*.com".
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_TLS_NAME_H
#define HAMEDIC_REMEDIATIONS_HOST_TLS_NAME_H

#include <stdbool.h>

#include "plans/base/span.h"

bool tls_name_matches(struct span pattern, struct span name);

#endif
