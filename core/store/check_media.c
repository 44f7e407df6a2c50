/*
 * store_check: media files. A stored record's file must be there, with the size and
 * the contents that its hash says. Named files without a record are no finding: a
 * crash between the file and its event leaves them.
 */
#include "store/check.h"
#include "base/str.h"
#include "store/media.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 };

/* false: it can't be read, errno says why. */
static bool hash_of(int fd, uint8_t out[MEDIA_HASH])
{
    uint8_t bytes[PIECE_BYTES];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    ssize_t n = -1;
    bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

    while (good && (n = read(fd, bytes, sizeof bytes)) > 0)
        good = EVP_DigestUpdate(md, bytes, (size_t)n) == 1;
    good = good && n == 0 && EVP_DigestFinal_ex(md, out, NULL) == 1;
    EVP_MD_CTX_free(md);
    return good;
}

void check__media_file(struct check *ck, struct hilo_str key, const struct rec_media *m)
{
    char hex[MEDIA_HASH_HEX + 1], path[4096];
    uint8_t hash[MEDIA_HASH];
    struct stat st;
    int fd;

    str_hex(hex, m->sha256.p, MEDIA_HASH);
    if (snprintf(path, sizeof path, "%s/media/%.2s/%s", ck->dir, hex, hex + 2) >= (int)sizeof path) {
        check__found(ck, "MEDIA", key, "the path of its file is too long");
        return;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        check__found(ck, "MEDIA", key, "its file %.2s/%s: %s", hex, hex + 2, strerror(errno));
        return;
    }
    if (fstat(fd, &st) != 0)
        check__found(ck, "MEDIA", key, "its file %.2s/%s: %s", hex, hex + 2, strerror(errno));
    else if ((uint64_t)st.st_size != m->size)
        check__found(ck, "MEDIA", key, "its file %.2s/%s has %llu bytes, not %llu", hex, hex + 2,
                     (unsigned long long)st.st_size, (unsigned long long)m->size);
    else if (!hash_of(fd, hash))
        check__found(ck, "MEDIA", key, "its file %.2s/%s can't be read: %s", hex, hex + 2, strerror(errno));
    else if (memcmp(hash, m->sha256.p, MEDIA_HASH) != 0)
        check__found(ck, "MEDIA", key, "its file %.2s/%s has other contents", hex, hex + 2);
    close(fd);
}
