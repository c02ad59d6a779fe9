// SPDX-License-Identifier: GPL-2.0-or-later
/* What is SQLite's and shared; see sqlite_util.h. */
#include "lib/store/sqlite_util.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/base.h"

int sqlite_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	}
	return -EIO;
}

void sqlite_give_to_directory_owner(const char *path)
{
	char dir[512];
	struct stat d, f;
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir || geteuid())
		return;
	*slash = '\0';
	if (!stat(dir, &d) && !stat(path, &f) && d.st_uid != f.st_uid &&
	    chown(path, d.st_uid, d.st_gid))
		return; /* then the daemon will say that it cannot open it */
}
