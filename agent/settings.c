#include "agent/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "policies/conf.h"

enum { NAME_BYTES_MAX = 255, PATH_BYTES_MAX = 4095 };

static const struct conf_key keys[] = {
    {"unit", CONF_TEXT},          {"program", CONF_TEXT},       {"config", CONF_LIST},
    {"stats_socket", CONF_TEXT},  {"master_socket", CONF_TEXT}, {"pid_file", CONF_TEXT},
    {"selinux_store", CONF_TEXT}, {"logs", CONF_LIST},          {0}};
static const struct conf_grammar grammar = {keys, NULL};

static int refuse(const struct conf *conf, const struct conf_setting *setting, const char *value,
                  const char *expected, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s:%zu: '%s' is '%.128s': expected %s", conf->file,
                   setting->line, setting->key, value, expected);
}

/* One name: no '/', so that it cannot leave the directory it is looked up in. */
static bool is_name(const char *value)
{
    size_t len = strlen(value);

    return len > 0 && len <= NAME_BYTES_MAX && value[0] != '.' && value[0] != '-' &&
           strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@:-") ==
               len;
}

static int check_path(const struct conf *conf, const struct conf_setting *setting,
                      const char *value, struct err *err)
{
    if (value[0] == '/' && strlen(value) <= PATH_BYTES_MAX)
        return 0;
    return refuse(conf, setting, value, "an absolute path", err);
}

static int take_path(const struct conf *conf, const char *key, const char **out_path,
                     struct err *err)
{
    const struct conf_setting *setting = conf_find(&conf->root, key);

    if (setting == NULL)
        return 0;
    if (check_path(conf, setting, setting->text, err) < 0)
        return -1;
    *out_path = setting->text;
    return 0;
}

static int take_names(const struct conf *conf, struct host_settings *settings, struct err *err)
{
    const struct conf_setting *unit = conf_find(&conf->root, "unit");
    const struct conf_setting *store = conf_find(&conf->root, "selinux_store");

    if (unit != NULL && (!is_name(unit->text) || !span_ends_with(span_of(unit->text), ".service")))
        return refuse(conf, unit, unit->text, "a unit such as \"haproxy.service\"", err);
    if (store != NULL && !is_name(store->text))
        return refuse(conf, store, store->text, "a name such as \"targeted\"", err);
    settings->unit = unit == NULL ? NULL : unit->text;
    settings->selinux_store = store == NULL ? NULL : store->text;
    return 0;
}

static int take_paths(const struct conf *conf, const char *key, struct strings *out_paths,
                      struct err *err)
{
    const struct conf_setting *setting = conf_find(&conf->root, key);

    for (size_t i = 0; setting != NULL && i < setting->list.count; i++)
        if (check_path(conf, setting, setting->list.at[i], err) < 0)
            return -1;
    if (setting != NULL)
        *out_paths = setting->list;
    return 0;
}

static int take_settings(const struct conf *conf, struct host_settings *settings, struct err *err)
{
    if (take_names(conf, settings, err) < 0 ||
        take_path(conf, "program", &settings->program, err) < 0 ||
        take_path(conf, "stats_socket", &settings->stats_socket, err) < 0 ||
        take_path(conf, "master_socket", &settings->master_socket, err) < 0 ||
        take_path(conf, "pid_file", &settings->pid_file, err) < 0 ||
        take_paths(conf, "config", &settings->config, err) < 0 ||
        take_paths(conf, "logs", &settings->logs, err) < 0)
        return -1;
    return 0;
}

/* *out_fd -1: there is no file, and none was asked for. */
static int open_file(const struct host *host, const char *config_path, int *out_fd, struct err *err)
{
    if (config_path != NULL)
        return file_open(AT_FDCWD, config_path, out_fd, err);
    if (host_open_path(host, SETTINGS_FILE, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, out_fd,
                       err) == 0)
        return 0;
    if (err->kind != ERR_SYS || err->sys != ENOENT)
        return -1;
    *err = (struct err){0};
    *out_fd = -1;
    return 0;
}

int settings_load(const struct host *host, const char *config_path,
                  struct host_settings *out_settings, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *name = config_path == NULL ? SETTINGS_FILE : escape_string(scratch, config_path);
    struct host_settings settings = {0};
    struct conf conf;
    struct span text;
    int fd CLEANUP_FD = -1;

    if (open_file(host, config_path, &fd, err) < 0)
        return -1;
    if (fd >= 0) {
        if (conf_read_fd(fd, name, scratch, &text, err) < 0 ||
            conf_parse(text, name, &grammar, host->arena, &conf, err) < 0 ||
            take_settings(&conf, &settings, err) < 0)
            return -1;
    }
    *out_settings = settings;
    return 0;
}

static const char *canonical_address(struct span text, struct arena *arena)
{
    static const int families[] = {AF_INET, AF_INET6};
    unsigned char bytes[16];
    char shown[INET6_ADDRSTRLEN];

    if (text.len >= sizeof shown)
        return NULL;
    const char *word = arena_copy(arena, text.ptr, text.len);
    for (size_t i = 0; i < 2; i++)
        if (inet_pton(families[i], word, bytes) == 1 &&
            inet_ntop(families[i], bytes, shown, sizeof shown) != NULL)
            return arena_string(arena, shown);
    return NULL;
}

int settings_take_target(const char *text, struct arena *arena, struct host_settings *settings,
                         struct err *err)
{
    struct span address = span_of(text);
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    const char *known = canonical_address(address, arena);

    if (known == NULL && colon != NULL) {
        address.len = (size_t)(colon - text);
        if (address.len >= 2 && text[0] == '[' && colon[-1] == ']')
            address = (struct span){text + 1, address.len - 2};
        if (span_scan_u64(span_of(colon + 1), &port) && port >= 1 && port <= UINT16_MAX)
            known = canonical_address(address, arena);
    }
    if (known == NULL)
        return err_set(err, ERR_INPUT,
                       "--target '%.128s': expected an address and perhaps a port, such as "
                       "10.0.0.1:443 or [2001:db8::1]:443",
                       text);
    settings->target = known;
    settings->target_port = (uint32_t)port;
    return 0;
}
