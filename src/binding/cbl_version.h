/*
** cbl_version.h - the version of the module.
*/
#ifndef CBL_VERSION_H
#define CBL_VERSION_H

#define CBL_VERSION "0.1.0"

#endif
