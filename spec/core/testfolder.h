/*
** testfolder.h - a folder of its own for each test of local files, as the working
** directory.
*/
#ifndef TESTFOLDER_H
#define TESTFOLDER_H

#include "testenv.h"

/* A test of cmocka that begins in an empty folder, and fails when it leaves a
** descriptor open. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, testfolder_enter, testfolder_leave)

int testfolder_enter(void **state);
int testfolder_leave(void **state);

/* How many names are in it. */
int testfolder_count(void);

/* Makes a file with that text. */
void testfolder_put(const char *name, const char *text);

/* Fails the test unless the file has that text. */
void testfolder_holds(const char *name, const char *text);

#endif
