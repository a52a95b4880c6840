/* agent/agent_key: the agent's own pair under /etc/hamedic.
 * Errors:  ERR_INPUT a key file that others may read or write, or that is malformed.
 */
#ifndef HAMEDIC_AGENT_AGENT_KEY_H
#define HAMEDIC_AGENT_AGENT_KEY_H

#include "plans/minisign.h"
#include "remediations/host/host.h"

#define AGENT_KEY_FILE    "/etc/hamedic/agent.key"
#define AGENT_PUBLIC_FILE "/etc/hamedic/agent.pub"

/* *out_exists false: there is none. The caller wipes the secret. */
MUST_CHECK int agent_key_load(const struct host *host, bool *out_exists,
                              struct minisign_secret *out_secret, struct err *err);
/* A new pair and a new lineage. Either file already there: ERR_INPUT, and nothing is written. */
MUST_CHECK int agent_key_make(const struct host *host, struct minisign_public *out_public,
                              struct err *err);
/* An operator's pair: BASE.key 0600, BASE.pub 0644; passphrase NULL: plain. Never overwrites. */
MUST_CHECK int operator_key_make(const char *base, const char *passphrase,
                                 struct minisign_public *out_public, struct err *err);
/* An operator's secret key; asks for its passphrase at the terminal where it has one. */
MUST_CHECK int operator_key_load(const char *path, struct minisign_secret *out_secret,
                                 struct err *err);

#endif
