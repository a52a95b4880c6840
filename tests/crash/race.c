/* tests/crash/race: somebody else writes to a file at full speed while it is staged, exchanged and
 * taken back, by the same calls that hamedic makes.
 * Use:     race [-n ATTEMPTS] [-s SEED] [-d DIR]
 *          In each attempt a stage creates, edits or removes etc/x.conf, and takes it back at once,
 *          or from the copy, or leaves it. Meanwhile another process does up to three of these, at
 *          random moments: puts a file of its own, a link to a victim, a hard link to a victim, a
 *          pipe or a folder in its place; writes into it in place; changes its mode; exchanges its
 *          folder for a link. What it displaces it keeps in its hand, and what it overwrites it
 *          notes: so every version that somebody else wrote can be looked for.
 * Shapes:  the last line is "races tried N survived M". After each attempt:
 *          - the victims have their bytes, inode, owner and mode;
 *          - every version is in place, kept beside it, or in the hand of who displaced it;
 *          - nothing of ours is left that no error told;
 *          - what is kept under another name was told.
 * Errors:  exit status 1 where one did not survive, or where no race was really run: both success
 *          and ERR_CHANGED MUST have been seen, and something put back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>
#include <ftw.h>

#include "plans/base/file.h"
#include "remediations/stage.h"

#define PATH   "/etc/x.conf"
#define VICTIM "victim's own, and nobody else's\n"

enum {
    ACTIONS_MAX = 3,
    TEXT_SIZE = 64,
    FOUND_MAX = 64,
    SHOWN_MAX = 10,
    SPIN_START = 20000,
    PATIENCE = 50
};

enum deed {
    DEED_PUT_FILE,
    DEED_PUT_LINK,
    DEED_PUT_HARD_LINK,
    DEED_PUT_PIPE,
    DEED_PUT_FOLDER,
    DEED_WRITE,
    DEED_MODE,
    DEED_SWAP_FOLDER,
    DEED_COUNT,
};

/* Between the two processes. */
struct shared {
    atomic_uint round;    /* raised by the main process: go */
    atomic_uint finished; /* set to the round by the racer */
    atomic_uint spins;    /* how long a round is, in turns of an empty loop */
    unsigned count;
    struct {
        enum deed action;
        bool done;
        bool overtaken;       /* its bytes were overwritten by the racer itself, in place */
        char text[TEXT_SIZE]; /* the version */
        mode_t mode;
        ino_t inode;
    } made[ACTIONS_MAX];
    bool original_overtaken;
};

struct race {
    char path[256];
    int root, etc, hand;
    struct host *host;
    int undo;
    struct shared *shared;
    uint64_t seed;
    struct stat victim, victim_dir;
    unsigned long tried, survived, committed, changed, other, kept, put, restored;
};

/* What one attempt said of itself. */
struct told {
    bool committed, changed, failed, undone_failed, settled_failed, kept;
    enum undone undone;
    bool undid;
    bool created, removed; /* kinds */
    char words[4096];
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void put_at(int dir, const char *name, const char *text, mode_t mode)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) < 0 ||
        close(fd) < 0)
        die(name);
}

/* ---- the racer ---- */

static void spin(unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        __asm__ volatile("");
}

/* Puts "hand/N" where the file is; what was there is in the hand then. */
static bool put_in_place(const struct race *race, const char *held)
{
    if (renameat2(race->hand, held, race->etc, "x.conf", RENAME_EXCHANGE) == 0)
        return true;
    return errno == ENOENT &&
           renameat2(race->hand, held, race->etc, "x.conf", RENAME_NOREPLACE) == 0;
}

static bool write_in_place(struct race *race, unsigned index, unsigned pause)
{
    struct shared *shared = race->shared;
    char was[TEXT_SIZE] = "";
    int fd = openat(race->etc, "x.conf", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return false;
    spin(pause);
    /* Not into a victim: that would be the racer's own doing. */
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink > 1 ||
        pread(fd, was, TEXT_SIZE - 1, 0) < 0 ||
        pwrite(fd, shared->made[index].text, TEXT_SIZE - 1, 0) != TEXT_SIZE - 1) {
        (void)close(fd);
        return false;
    }
    (void)close(fd);
    for (unsigned i = 0; i < index; i++)
        if (strcmp(was, shared->made[i].text) == 0)
            shared->made[i].overtaken = true;
    if (strncmp(was, "original", 8) == 0)
        shared->original_overtaken = true;
    return true;
}

static bool swap_folder(const struct race *race, unsigned pause)
{
    /* root/link leads to root/victims, which has an x.conf of its own. */
    if (renameat2(race->root, "etc", race->root, "link", RENAME_EXCHANGE) < 0)
        return false;
    spin(pause);
    if (renameat2(race->root, "etc", race->root, "link", RENAME_EXCHANGE) < 0)
        die("swap back");
    return true;
}

static bool act(struct race *race, unsigned index, unsigned pause)
{
    struct shared *shared = race->shared;
    char held[8];

    (void)snprintf(held, sizeof held, "%u", index);
    switch (shared->made[index].action) {
    case DEED_PUT_FILE:
    case DEED_PUT_LINK:
    case DEED_PUT_HARD_LINK:
    case DEED_PUT_PIPE:
    case DEED_PUT_FOLDER:
        return put_in_place(race, held);
    case DEED_WRITE:
        return write_in_place(race, index, pause);
    case DEED_MODE:
        return fchmodat(race->etc, "x.conf", shared->made[index].mode, 0) == 0;
    case DEED_SWAP_FOLDER:
        return swap_folder(race, pause);
    case DEED_COUNT:
        break;
    }
    return false;
}

static void run_racer(struct race *race)
{
    struct shared *shared = race->shared;
    uint64_t seed = race->seed ^ 0x5bd1e995u;
    unsigned seen = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        while (atomic_load(&shared->round) == seen)
            (void)sched_yield();
        seen = atomic_load(&shared->round);
        unsigned spins = atomic_load(&shared->spins) + 1;
        for (unsigned i = 0; i < shared->count; i++) {
            spin((unsigned)(next_random(&seed) % (spins / shared->count + 1)));
            shared->made[i].done = act(race, i, (unsigned)(next_random(&seed) % (spins / 4 + 1)));
        }
        atomic_store(&shared->finished, seen);
    }
}

/* ---- one attempt ---- */

static void prepare_deed(struct race *race, unsigned index, enum deed action)
{
    struct shared *shared = race->shared;
    char held[8];

    memset(&shared->made[index], 0, sizeof shared->made[index]);
    shared->made[index].action = action;
    (void)snprintf(held, sizeof held, "%u", index);
    (void)snprintf(shared->made[index].text, TEXT_SIZE, "%-*s\n", TEXT_SIZE - 3, "");
    char name[40];
    int len = snprintf(name, sizeof name, "somebody %lu.%u", race->tried, index);
    memcpy(shared->made[index].text, name, (size_t)len);
    shared->made[index].mode = (mode_t)(0600 + next_random(&race->seed) % 8 * 8 + index % 8);
    switch (action) {
    case DEED_PUT_FILE:
        put_at(race->hand, held, shared->made[index].text, 0640);
        break;
    case DEED_PUT_LINK:
        if (symlinkat("../victims/x.conf", race->hand, held) < 0)
            die("symlink");
        break;
    case DEED_PUT_HARD_LINK:
        if (linkat(race->root, "victims/x.conf", race->hand, held, 0) < 0)
            die("link");
        break;
    case DEED_PUT_PIPE:
        if (mkfifoat(race->hand, held, 0600) < 0)
            die("mkfifo");
        break;
    case DEED_PUT_FOLDER:
        if (mkdirat(race->hand, held, 0755) < 0)
            die("mkdir");
        break;
    case DEED_WRITE:
    case DEED_MODE:
    case DEED_SWAP_FOLDER:
    case DEED_COUNT:
        return;
    }
    struct stat st;
    if (fstatat(race->hand, held, &st, AT_SYMLINK_NOFOLLOW) < 0)
        die(held);
    shared->made[index].inode = st.st_ino;
}

static void empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fdopendir(fd);
    const struct dirent *entry;

    if (listing == NULL)
        die("fdopendir");
    while ((entry = readdir(listing)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dir, entry->d_name, 0) < 0 && unlinkat(dir, entry->d_name, AT_REMOVEDIR) < 0)
            die(entry->d_name);
    }
    (void)closedir(listing);
}

static void note(struct told *told, const char *where, const struct err *err)
{
    size_t len = strlen(told->words);

    (void)snprintf(told->words + len, sizeof told->words - len, "%s: %s\n", where, err->text);
    told->changed = told->changed || err->kind == ERR_CHANGED;
    told->kept = told->kept || strstr(err->text, ".kept") != NULL;
}

static int take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                     struct span *out_text, struct err *err)
{
    (void)context;
    (void)arena;
    (void)err;
    *out_ours = false;
    *out_text = text;
    return 0;
}

static struct stage *open_stage(struct race *race, const char *id)
{
    static struct haproxy none;
    const struct stage_settings settings = {
        .host = race->host, .haproxy = &none, .id = id, .undo_dir = race->undo};
    struct stage *stage = NULL;
    struct err err;

    if (stage_new(&settings, &stage, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    return stage;
}

static void take_all_back(struct stage *stage, struct told *told)
{
    struct err err;

    stage_undo_begin(stage);
    told->undid = true;
    told->undone_failed = stage_undo_file(stage, PATH, take_back, NULL, &told->undone, &err) < 0;
    if (told->undone_failed)
        note(told, "undo", &err);
}

static void settle(struct stage *stage, struct told *told)
{
    struct err err;

    told->settled_failed = stage_settle(stage, &err) < 0;
    if (told->settled_failed)
        note(told, "settle", &err);
}

/* The way of engine.c: whatever fails before the commit is given up, whatever fails after it is
 * taken back. `way`: 0 taken back at once, 1 from the copy, by another process, 2 left. */
static void attempt(struct race *race, bool existed, bool exists, unsigned way, struct told *told)
{
    struct stage *stage = open_stage(race, "0123456789abcdef");
    struct arena *arena CLEANUP_ARENA = arena_new();
    char text[TEXT_SIZE];
    struct err err;

    (void)existed;
    (void)snprintf(text, sizeof text, "ours %lu\n", race->tried);
    if (stage_file_set(stage, PATH, exists, span_of(exists ? text : ""), &err) < 0 ||
        stage_seal(stage, &err) < 0) {
        note(told, "stage", &err);
        told->failed = true;
        if (stage_discard(stage, &err) < 0) {
            note(told, "discard", &err);
            told->settled_failed = true;
        }
        stage_free(stage);
        return;
    }
    const char *records = stage_records(stage, arena);
    told->committed = stage_commit_file(stage, PATH, &err) == 0;
    if (!told->committed) {
        note(told, "commit", &err);
        take_all_back(stage, told);
    } else if (way == 0) {
        take_all_back(stage, told);
    } else if (way == 1) {
        settle(stage, told);
        stage_free(stage);
        stage = open_stage(race, "0123456789abcdef");
        if (stage_restore(stage, span_of(records), &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            exit(2);
        }
        take_all_back(stage, told);
    }
    settle(stage, told);
    stage_free(stage);
}

/* ---- what became of it ---- */

struct found {
    char where[300];
    char text[TEXT_SIZE];
    struct stat st;
};
struct finds {
    struct found at[FOUND_MAX];
    size_t count;
};

static void look_in(int dir, const char *label, struct finds *finds)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fdopendir(fd);
    const struct dirent *entry;

    if (listing == NULL)
        die("fdopendir");
    while ((entry = readdir(listing)) != NULL && finds->count < FOUND_MAX) {
        struct found *found = &finds->at[finds->count];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        memset(found, 0, sizeof *found);
        (void)snprintf(found->where, sizeof found->where, "%s/%s", label, entry->d_name);
        if (fstatat(dir, entry->d_name, &found->st, AT_SYMLINK_NOFOLLOW) < 0)
            die(entry->d_name);
        if (S_ISREG(found->st.st_mode)) {
            int file = openat(dir, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
            if (file < 0 || read(file, found->text, TEXT_SIZE - 1) < 0 || close(file) < 0)
                die(entry->d_name);
        }
        finds->count++;
    }
    (void)closedir(listing);
}

static bool has_text(const struct finds *finds, const char *text)
{
    for (size_t i = 0; i < finds->count; i++)
        if (strcmp(finds->at[i].text, text) == 0)
            return true;
    return false;
}

static bool has_inode(const struct finds *finds, ino_t inode)
{
    for (size_t i = 0; i < finds->count; i++)
        if (finds->at[i].st.st_ino == inode)
            return true;
    return false;
}

static const struct found *find_at(const struct finds *finds, const char *where)
{
    for (size_t i = 0; i < finds->count; i++)
        if (strcmp(finds->at[i].where, where) == 0)
            return &finds->at[i];
    return NULL;
}

static bool is_victim_hurt(const struct race *race)
{
    struct stat now, dir;
    char text[sizeof VICTIM + 8] = "";
    int fd = openat(race->root, "victims/x.conf", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &now) < 0 || read(fd, text, sizeof text - 1) < 0)
        return true;
    (void)close(fd);
    if (fstatat(race->root, "victims", &dir, 0) < 0)
        return true;
    return strcmp(text, VICTIM) != 0 || now.st_ino != race->victim.st_ino ||
           now.st_mode != race->victim.st_mode || now.st_uid != race->victim.st_uid ||
           now.st_gid != race->victim.st_gid ||
           now.st_mtim.tv_nsec != race->victim.st_mtim.tv_nsec ||
           dir.st_mtim.tv_sec != race->victim_dir.st_mtim.tv_sec ||
           dir.st_mtim.tv_nsec != race->victim_dir.st_mtim.tv_nsec;
}

/* NULL: it survived. */
static const char *judge(const struct race *race, const struct told *told, unsigned way,
                         const char *original)
{
    static char words[512];
    const struct shared *shared = race->shared;
    struct finds finds = {0};

    if (is_victim_hurt(race))
        return "a victim was touched";
    look_in(race->etc, "etc", &finds);
    look_in(race->hand, "hand", &finds);
    look_in(race->undo, "copies", &finds);
    const struct found *placed = find_at(&finds, "etc/x.conf");
    bool any_mode = false;
    for (unsigned i = 0; i < shared->count; i++) {
        bool lost = false;
        if (!shared->made[i].done)
            continue;
        if (shared->made[i].action == DEED_PUT_FILE || shared->made[i].action == DEED_WRITE)
            lost = !shared->made[i].overtaken && !has_text(&finds, shared->made[i].text);
        else if (shared->made[i].action <= DEED_PUT_FOLDER)
            lost = !has_inode(&finds, shared->made[i].inode);
        any_mode = any_mode || shared->made[i].action == DEED_MODE;
        if (lost) {
            (void)snprintf(words, sizeof words, "what somebody did as number %u is lost", i);
            return words;
        }
    }
    bool stays = told->committed && way == 2;
    if (original != NULL && !stays && !shared->original_overtaken && !has_text(&finds, original))
        return "the original is lost";
    for (size_t i = 0; i < finds.count; i++) {
        const char *where = finds.at[i].where;
        bool ours = strncmp(finds.at[i].text, "ours ", 5) == 0;
        if (strncmp(where, "etc/.hamedic", 12) == 0) {
            bool is_kept = strstr(where, ".kept") != NULL;
            if (is_kept && !told->kept)
                return "something was kept, and not told";
            if (!is_kept && !told->settled_failed && !told->undone_failed)
                return "something of ours was left, and not told";
        }
        if (ours && placed == &finds.at[i] && !stays && !told->undone_failed &&
            told->undone != UNDONE_LEFT)
            return "ours stands in place, and not told";
    }
    /* One change of mode alone: it is in place, or was made to a file that is kept. */
    if (any_mode && shared->count == 1 && shared->made[0].done) {
        for (size_t i = 0; i < finds.count; i++)
            if ((finds.at[i].st.st_mode & 07777) == shared->made[0].mode)
                return NULL;
        if (!(told->removed && stays) && !(told->created && !stays))
            return "somebody's mode is lost";
    }
    return NULL;
}

static void show(const struct race *race, const struct told *told, unsigned way, const char *why)
{
    struct finds finds = {0};

    (void)fprintf(stderr, "attempt %lu, way %u, created %d, removed %d: %s\n%s", race->tried, way,
                  told->created, told->removed, why, told->words);
    for (unsigned i = 0; i < race->shared->count; i++)
        (void)fprintf(stderr, "    did %u: action %d done %d overtaken %d mode %o\n", i,
                      (int)race->shared->made[i].action, race->shared->made[i].done,
                      race->shared->made[i].overtaken, race->shared->made[i].mode);
    look_in(race->etc, "etc", &finds);
    look_in(race->hand, "hand", &finds);
    look_in(race->undo, "copies", &finds);
    for (size_t i = 0; i < finds.count; i++)
        (void)fprintf(stderr, "    %s: %o links %ju '%.20s'\n", finds.at[i].where,
                      finds.at[i].st.st_mode, (uintmax_t)finds.at[i].st.st_nlink, finds.at[i].text);
}

static void run_attempt(struct race *race)
{
    struct shared *shared = race->shared;
    struct told told = {0};
    char original[TEXT_SIZE];
    uint64_t dice = next_random(&race->seed);
    bool existed = dice % 4 != 0;
    bool exists = !existed || dice / 4 % 3 != 0;
    unsigned way = (unsigned)(dice / 64 % 3);
    struct timespec from, to;

    empty(race->etc);
    empty(race->hand);
    empty(race->undo);
    (void)snprintf(original, sizeof original, "original %lu\n", race->tried);
    if (existed)
        put_at(race->etc, "x.conf", original, 0644);
    told.created = !existed;
    told.removed = !exists;
    shared->original_overtaken = false;
    shared->count = 1 + (unsigned)(dice / 1024 % ACTIONS_MAX);
    bool linked = false;
    for (unsigned i = 0; i < shared->count; i++) {
        enum deed deed = (enum deed)(next_random(&race->seed) % DEED_COUNT);
        linked = linked || deed == DEED_PUT_LINK || deed == DEED_PUT_HARD_LINK;
        /* A mode set through a link would be the victim's, and the racer's own doing. */
        if (deed == DEED_MODE && linked)
            deed = DEED_WRITE;
        prepare_deed(race, i, deed);
    }

    atomic_fetch_add(&shared->round, 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    attempt(race, existed, exists, way, &told);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    while (atomic_load(&shared->finished) != atomic_load(&shared->round))
        (void)sched_yield();
    /* Some turns of the loop take a nanosecond: the racer acts while the attempt lasts. */
    long lasted = (to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec;
    unsigned spins = atomic_load(&shared->spins);
    atomic_store(&shared->spins, (unsigned)((spins * 15ULL + (unsigned long)lasted * 2) / 16));

    const char *why = judge(race, &told, way, existed ? original : NULL);
    race->committed += told.committed ? 1 : 0;
    race->changed += told.changed ? 1 : 0;
    race->other += !told.committed && !told.changed ? 1 : 0;
    race->kept += told.kept ? 1 : 0;
    race->put += !told.committed && !told.failed && told.changed ? 1 : 0;
    race->restored += told.undid && told.undone == UNDONE_RESTORED ? 1 : 0;
    race->survived += why == NULL ? 1 : 0;
    if (why != NULL && race->tried - race->survived < SHOWN_MAX)
        show(race, &told, way, why);
    race->tried++;
}

/* ---- the room ---- */

static int open_dir(int dir, const char *name, mode_t mode)
{
    if (mkdirat(dir, name, mode) < 0)
        die(name);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        die(name);
    return fd;
}

static void open_room(struct race *race, const char *base)
{
    struct err err;

    (void)snprintf(race->path, sizeof race->path, "%s/hamedic-race.XXXXXX", base);
    if (mkdtemp(race->path) == NULL)
        die(race->path);
    race->root = open(race->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    race->etc = open_dir(race->root, "etc", 0755);
    race->hand = open_dir(race->root, "hand", 0755);
    race->undo = open_dir(race->root, "undo", 0700);
    int victims = open_dir(race->root, "victims", 0755);
    put_at(victims, "x.conf", VICTIM, 0604);
    if (fstatat(victims, "x.conf", &race->victim, 0) < 0 || fstat(victims, &race->victim_dir) < 0 ||
        symlinkat("victims", race->root, "link") < 0)
        die("victims");
    (void)close(victims);
    if (host_open(race->path, &race->host, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    race->shared =
        mmap(NULL, sizeof *race->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (race->shared == MAP_FAILED)
        die("mmap");
    atomic_store(&race->shared->spins, SPIN_START);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Both sides have won, and the other process was met in each way. */
static bool was_run(const struct race *race)
{
    return race->committed > 0 && race->put > 0 && race->restored > 0 && race->other > 0;
}

int main(int argc, char **argv)
{
    struct race race = {.seed = 88172645463325252ULL};
    unsigned long attempts = 5000;
    const char *base = "/dev/shm";
    int option;

    while ((option = getopt(argc, argv, "n:s:d:")) != -1) {
        if (option == 'n')
            attempts = strtoul(optarg, NULL, 10);
        else if (option == 's')
            race.seed = strtoull(optarg, NULL, 10) * 2654435761U + 1;
        else if (option == 'd')
            base = optarg;
        else
            return 64;
    }
    (void)umask(022);
    open_room(&race, base);
    pid_t racer = fork();
    if (racer < 0)
        die("fork");
    if (racer == 0)
        run_racer(&race);
    /* Where the other process hardly gets a processor, more of them until it was in the way. */
    while (race.tried < attempts || (!was_run(&race) && race.tried < PATIENCE * attempts))
        run_attempt(&race);
    (void)kill(racer, SIGKILL);
    (void)waitpid(racer, NULL, 0);
    host_close(race.host);
    (void)nftw(race.path, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    (void)printf("committed %lu, changed meanwhile and said so %lu (%lu at the exchange), refused "
                 "otherwise %lu, restored %lu, kept beside %lu\n",
                 race.committed, race.changed, race.put, race.other, race.restored, race.kept);
    if (!was_run(&race))
        (void)printf("no race was really run\n");
    (void)printf("races tried %lu survived %lu\n", race.tried, race.survived);
    return was_run(&race) && race.tried == race.survived ? 0 : 1;
}
