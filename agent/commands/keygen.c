#include "agent/commands/commands.h"

#include <string.h>

#include "agent/keys.h"
#include "agent/prompt.h"
#include "plans/base/escape.h"

static const struct cli_option options[] = {
    {"output", 'o', "BASE", "an operator's pair: BASE.key and BASE.pub"},
    {"no-passphrase", 'W', NULL, "store the operator's key plain"},
    {NULL, 0, NULL, NULL},
};

static int ask_passphrase(struct invocation *invocation, const char **out_passphrase,
                          struct err *err)
{
    const char *again;

    *out_passphrase = NULL;
    if (cli_has(invocation, "no-passphrase") || !prompt_is_possible())
        return 0;
    if (prompt_ask("Passphrase for the new key: ", true, invocation->arena, out_passphrase, err) <
            0 ||
        prompt_ask("The same again: ", true, invocation->arena, &again, err) < 0)
        return -1;
    if (strcmp(*out_passphrase, again) != 0)
        return err_set(err, ERR_INPUT, "the two passphrases differ");
    if (again[0] == '\0')
        return err_set(err, ERR_INPUT,
                       "an empty passphrase protects nothing: use -W for a plain key");
    return 0;
}

static enum exit_code make_operator(struct invocation *invocation, const char *base)
{
    struct minisign_public public;
    const char *passphrase;
    char id[MINISIGN_ID_SIZE];
    struct err err;

    if (ask_passphrase(invocation, &passphrase, &err) < 0 ||
        keys_make_operator(base, passphrase, &public, &err) < 0)
        return cli_fail(&err);
    minisign_id_text(&public, id);
    cli_say(invocation,
            "Operator's key %s: %s.key (%s), %s.pub\n"
            "Put %s.pub into /etc/hamedic/operators/ on every host whose plans it may approve.",
            id, base,
            passphrase == NULL ? "plain: keep it where only you can read it" : "encrypted", base,
            base);
    return EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct host *host CLEANUP_HOST = NULL;
    struct minisign_public public;
    char id[MINISIGN_ID_SIZE];
    struct err err;

    if (cli_has(invocation, "output"))
        return make_operator(invocation, cli_value(invocation, "output"));
    if (cli_open_host(invocation, &host, &err) < 0 || keys_make_agent(host, &public, &err) < 0)
        return cli_fail(&err);
    minisign_id_text(&public, id);
    cli_say(invocation, "Agent's key %s: /etc/hamedic/agent.key, /etc/hamedic/agent.pub%s%s", id,
            host->live ? "" : " in ",
            host->live ? "" : escape_string(invocation->arena, host->root_path));
    return EXIT_OK;
}

const struct command command_keygen = {
    .name = "keygen",
    .arguments = "",
    .summary = "the agent's key pair, or an operator's",
    .about =
        "Without -o: the agent's own pair in /etc/hamedic, which signs this host's plans; once per "
        "host. With -o: an operator's pair, encrypted with a passphrase where there is a terminal "
        "to ask at. The files are minisign's. A key that exists is never overwritten.",
    .example = "  hamedic keygen\n  hamedic keygen -o ops-1\n",
    .options = options,
    .run = run,
};
