/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside lib/store: what its files say of SQLite alike: what a result code means, and whose a new file is.
 */
#ifndef KIMS_STORE_SQLITE_UTIL_H
#define KIMS_STORE_SQLITE_UTIL_H

/*
 * -EBUSY another has the lock; -ENOMEM; -ENOSPC; -EACCES; -EUCLEAN no database, or a damaged one; -EIO all else, and so
 * SQLITE_CANTOPEN and SQLITE_CONSTRAINT, which mean something else to each caller.
 */
int sqlite_errno(int rc);

/*
 * root makes the file: it shall still be the daemon user's, who owns the directory. To be called before the first
 * statement: SQLite gives the -wal and -shm beside a file to the file's owner.
 */
void sqlite_give_to_directory_owner(const char *path);

#endif
