#include "policies/conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "policies/conf_scan.h"

enum { SHOWN_MAX = 64 };

/* ---- the file ---- */

int conf_check_owner(int fd, const char *name, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_DENIED,
                       "%s: owned by user %ju: expected root or the user who runs hamedic", name,
                       (uintmax_t)st.st_uid);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, ERR_DENIED, "%s: may be written by %s (mode %04o): expected chmod go-w",
                       name, (st.st_mode & S_IWOTH) != 0 ? "others" : "its group",
                       (unsigned)(st.st_mode & 07777));
    return 0;
}

int conf_read_fd(int fd, const char *name, struct arena *arena, struct span *out_text,
                 struct err *err)
{
    if (conf_check_owner(fd, name, err) < 0)
        return -1;
    return file_read_fd(fd, name, CONF_FILE_MAX, arena, out_text, err);
}

int conf_read(int dir, const char *path, const char *name, struct arena *arena,
              struct span *out_text, struct err *err)
{
    int fd CLEANUP_FD = -1;

    /* A file of a directory is opened by its last name, which says too little. */
    if (file_open(dir, path, &fd, err) < 0)
        return strcmp(path, name) == 0 ? -1 : err_wrap(err, "%s", name);
    return conf_read_fd(fd, name, arena, out_text, err);
}

/* ---- libconfuse ---- */

/* Where its complaints go: the error function is given no pointer of ours. One parse at a time, as
 * libconfuse's own scanner demands. */
static struct {
    const char *file;
    struct err *err;
    bool told;
} complaint;

__attribute__((format(printf, 2, 0))) static void keep_complaint(cfg_t *cfg, const char *format,
                                                                 va_list args)
{
    char words[256];

    if (complaint.err == NULL || complaint.told)
        return;
    if (vsnprintf(words, sizeof words, format, args) < 0)
        words[0] = '\0';
    (void)err_set(complaint.err, ERR_INPUT, "%s:%d: %s", complaint.file,
                  cfg == NULL ? 1 : cfg->line, words);
    complaint.told = true;
}

static size_t count_keys(const struct conf_key *keys)
{
    size_t count = 0;

    while (keys[count].name != NULL)
        count++;
    return count;
}

/* All values are text to libconfuse: its own numbers may be octal, negative or overflow. */
static void put_keys(cfg_opt_t *options, const struct conf_key *keys)
{
    for (; keys->name != NULL; keys++, options++) {
        if (keys->type == CONF_LIST)
            *options = (cfg_opt_t)CFG_STR_LIST(keys->name, 0, CFGF_NODEFAULT);
        else
            *options = (cfg_opt_t)CFG_STR(keys->name, 0, CFGF_NODEFAULT);
    }
}

static cfg_opt_t *make_options(const struct conf_grammar *grammar, struct arena *arena)
{
    size_t keys = count_keys(grammar->keys), blocks = 0;

    while (grammar->blocks != NULL && grammar->blocks[blocks].name != NULL)
        blocks++;
    cfg_opt_t *options = arena_alloc(arena, (keys + blocks + 1) * sizeof *options);
    put_keys(options, grammar->keys);
    for (size_t i = 0; i < blocks; i++) {
        const struct conf_block *block = &grammar->blocks[i];
        cfg_opt_t *inner = arena_alloc(arena, (count_keys(block->keys) + 1) * sizeof *inner);
        put_keys(inner, block->keys);
        inner[count_keys(block->keys)] = (cfg_opt_t)CFG_END();
        options[keys + i] = (cfg_opt_t)CFG_SEC(block->name, inner,
                                               block->titled ? CFGF_MULTI | CFGF_TITLE : CFGF_NONE);
    }
    options[keys + blocks] = (cfg_opt_t)CFG_END();
    return options;
}

static int read_number(const struct conf *conf, struct conf_setting *setting, struct err *err)
{
    if (span_scan_u64(span_of(setting->text), &setting->number) && setting->number <= INT64_MAX)
        return 0;
    return err_set(err, ERR_INPUT, "%s:%zu: '%s' is '%.64s': expected a whole number, 0 to %jd",
                   conf->file, setting->line, setting->key, setting->text, (intmax_t)INT64_MAX);
}

static int read_truth(const struct conf *conf, struct conf_setting *setting, struct err *err)
{
    static const struct {
        const char *word;
        bool truth;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},
                 {"false", false}, {"no", false}, {"off", false}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(setting->text, words[i].word) == 0) {
            setting->truth = words[i].truth;
            return 0;
        }
    return err_set(err, ERR_INPUT, "%s:%zu: '%s' is '%.64s': expected true or false", conf->file,
                   setting->line, setting->key, setting->text);
}

static int take_setting(const struct conf *conf, cfg_t *values, struct conf_setting *setting,
                        struct arena *arena, struct err *err)
{
    cfg_opt_t *option = cfg_getopt(values, setting->key);
    unsigned count = option == NULL ? 0 : cfg_opt_size(option);

    if (count == 0)
        return err_set(err, ERR_INPUT, "%s:%zu: '%s' has no value: expected at least one",
                       conf->file, setting->line, setting->key);
    if (setting->type == CONF_LIST) {
        for (unsigned i = 0; i < count; i++)
            strings_add(&setting->list, arena, arena_string(arena, cfg_opt_getnstr(option, i)));
        return 0;
    }
    setting->text = arena_string(arena, cfg_opt_getnstr(option, 0));
    if (setting->type == CONF_NUMBER)
        return read_number(conf, setting, err);
    if (setting->type == CONF_TRUTH)
        return read_truth(conf, setting, err);
    return 0;
}

static int take_section(const struct conf *conf, cfg_t *values, struct conf_section *section,
                        struct arena *arena, struct err *err)
{
    if (values == NULL)
        return err_set(err, ERR_INPUT, "%s:%zu: section '%s' cannot be read", conf->file,
                       section->line, section->name);
    for (size_t i = 0; i < section->setting_count; i++)
        if (take_setting(conf, values, &section->settings[i], arena, err) < 0)
            return -1;
    return 0;
}

static int take_values(struct conf *conf, cfg_t *cfg, struct arena *arena, struct err *err)
{
    if (take_section(conf, cfg, &conf->root, arena, err) < 0)
        return -1;
    for (size_t i = 0; i < conf->section_count; i++) {
        struct conf_section *section = &conf->sections[i];
        cfg_t *values = section->title == NULL ? cfg_getsec(cfg, section->name)
                                               : cfg_gettsec(cfg, section->name, section->title);
        if (take_section(conf, values, section, arena, err) < 0)
            return -1;
    }
    return 0;
}

static void free_cfg(cfg_t **cfg)
{
    if (*cfg != NULL)
        (void)cfg_free(*cfg);
}

int conf_parse(struct span text, const char *file, const struct conf_grammar *grammar,
               struct arena *arena, struct conf *out_conf, struct err *err)
{
    struct conf conf;
    const char *clean;

    if (text.len > CONF_FILE_MAX)
        return err_set(err, ERR_INPUT, "%s: %zu bytes: expected at most %zu", file, text.len,
                       CONF_FILE_MAX);
    if (conf_scan(text, file, grammar, arena, &conf, &clean, err) < 0)
        return -1;

    cfg_t *cfg __attribute__((cleanup(free_cfg))) =
        cfg_init(make_options(grammar, arena), CFGF_NONE);
    if (cfg == NULL)
        return err_sys(err, errno, "cannot prepare reading '%s'", file);
    complaint.file = conf.file;
    complaint.err = err;
    complaint.told = false;
    (void)cfg_set_error_function(cfg, keep_complaint);
    /* A blank in front: libconfuse cannot open a text of no bytes. */
    int parsed = cfg_parse_buf(cfg, arena_printf(arena, " %s", clean));
    complaint.err = NULL;
    if (parsed != CFG_SUCCESS)
        return complaint.told ? -1
                              : err_set(err, ERR_INPUT, "%s:%d: cannot be read", file, cfg->line);
    if (take_values(&conf, cfg, arena, err) < 0)
        return -1;
    *out_conf = conf;
    return 0;
}

const struct conf_setting *conf_find(const struct conf_section *section, const char *key)
{
    for (size_t i = 0; i < section->setting_count; i++)
        if (strcmp(section->settings[i].key, key) == 0)
            return &section->settings[i];
    return NULL;
}
