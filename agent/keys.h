/* agent/keys: the agent's own pair under /etc/hamedic, and operators' pairs.
 * Errors:  ERR_INPUT a key file that others may read or write, or that is malformed.
 */
#ifndef HAMEDIC_AGENT_KEYS_H
#define HAMEDIC_AGENT_KEYS_H

#include "plans/minisign.h"
#include "remediations/host/host.h"

#define AGENT_KEY_FILE    "/etc/hamedic/agent.key"
#define AGENT_PUBLIC_FILE "/etc/hamedic/agent.pub"

/* *out_exists false: there is none. The caller wipes the secret. */
MUST_CHECK int keys_load_agent(const struct host *host, bool *out_exists,
                               struct minisign_secret *out_secret, struct err *err);
/* A new pair and a new lineage. Either file already there: ERR_INPUT, and nothing is written. */
MUST_CHECK int keys_make_agent(const struct host *host, struct minisign_public *out_public,
                               struct err *err);
/* An operator's pair: BASE.key 0600, BASE.pub 0644; passphrase NULL: plain. Never overwrites. */
MUST_CHECK int keys_make_operator(const char *base, const char *passphrase,
                                  struct minisign_public *out_public, struct err *err);
/* An operator's secret key; asks for its passphrase at the terminal where it has one. */
MUST_CHECK int keys_load_operator(const char *path, struct minisign_secret *out_secret,
                                  struct err *err);

#endif
