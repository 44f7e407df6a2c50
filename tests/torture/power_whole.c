/* Is a record whole? All that it says to have happened makes the folder that is there. */
#include "power_run.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char compared[1100];
static const char *compare_a, *compare_b;
static unsigned compare_files;

static bool same(const char *path, const char *other)
{
    static uint8_t a[1 << 16], b[1 << 16];
    int fd = open(path, O_RDONLY | O_CLOEXEC), other_fd = open(other, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || other_fd < 0 ? -1 : 1, m = n;

    while (n > 0 && n == m) {
        n = read(fd, a, sizeof a);
        m = read(other_fd, b, sizeof b);
        if (n == m && n > 0 && memcmp(a, b, (size_t)n) != 0)
            n = -1;
    }
    if (fd >= 0)
        (void)close(fd);
    if (other_fd >= 0)
        (void)close(other_fd);
    return n == 0 && m == 0;
}

/* A file of the folder is, byte by byte, what the record says. */
static int compare_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char other[512];

    (void)ftw;
    if (type != FTW_F || !S_ISREG(st->st_mode) || strstr(path, "lock.mdb") || strstr(path, "hilo.yaml"))
        return 0;
    (void)snprintf(other, sizeof other, "%s%s", compare_b, path + strlen(compare_a));
    if (access(other, R_OK) != 0) {
        (void)snprintf(compared, sizeof compared, "%s is not there", other);
        return 1;
    }
    if (!same(path, other))
        (void)snprintf(compared, sizeof compared, "%s and %s differ", path, other);
    compare_files++;
    return compared[0] != '\0';
}

static void compare_folders(const char *a, const char *b)
{
    compare_a = a;
    compare_b = b;
    if (nftw(a, compare_one, 16, FTW_PHYS) != 0)
        fail_msg("%s", compared[0] ? compared : "nftw");
}

void power_log_is_whole(const struct power_log *l, const char *dir)
{
    const struct power_plan plan = {.cut = l->n, .how = POWER_ALL};
    char made[64];

    power_folder_make(made);
    assert_true(power_state_make(l, &plan, made));
    compared[0] = '\0';
    compare_folders(dir, made);
    compare_folders(made, dir);
    assert_true(compare_files > 10);
    power_folder_remove(made);
}
