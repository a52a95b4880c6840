/* logs/pass: one pass over what is mapped or read, with the threads that pay.
 * Use:     log_pass_run(lines, threads, &options, &tally);
 * Shapes:  whole lines, as for log_tally_feed. threads: 1 .. 8; 0: as many as processors, where there is enough to
 *          read that they pay.
 * Owns:    the caller frees the tally.
 */
#ifndef HAMEDIC_AGENT_LOGS_PASS_H
#define HAMEDIC_AGENT_LOGS_PASS_H

#include "agent/logs/tally.h"

void log_pass_run(struct span whole_lines, unsigned threads, const struct log_options *options,
                  struct log_tally **out_tally);
#endif
