/* logs/message_parse: what the parts of logs/message share.
 * Shapes:  each take_* goes on behind what it took, and leaves *rest alone where it returns false.
 */
#ifndef HAMEDIC_AGENT_LOGS_MESSAGE_PARSE_H
#define HAMEDIC_AGENT_LOGS_MESSAGE_PARSE_H

#include "agent/logs/message.h"

bool message_take(struct span *rest, const char *literal);
bool message_take_name(struct span *rest, struct span *out_name);
bool message_take_number(struct span *rest, int64_t *out_number); /* 0..INT64_MAX */
/* "[FILE:LINE]" */
bool message_take_place(struct span *rest, struct span *out_file, uint64_t *out_line);
/* Where `needle` stands; the last one of them. */
bool message_find(struct span text, const char *needle, size_t *out_at);
bool message_find_last(struct span text, const char *needle, size_t *out_at);
/* The errno value whose text stands in there; 0: none that matters. */
int message_errno(struct span text);

bool message_parse_server(struct span text, struct log_message *message);
bool message_parse_check(struct span text, struct log_message *message);
bool message_parse_bind(struct span text, struct log_message *message);
bool message_parse_other(struct span text, struct log_message *message);

#endif
