/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <sys/types.h>

/* The sockets to be listed, the ratios to reach on them, and the process that keeps them. */

#define N_LOADS 8
#define JSON_FACTOR 1.5 /* the target of json, where it has none of its own */

enum mode {
	MODE_GROUPED,
	MODE_RAW,
	MODE_JSON,
	MODE_PORT,
	N_MODES
};

extern const char *const mode_names[N_MODES];

enum bpf {
	BPF_WITH,
	BPF_WITHOUT,
	N_BPF
};

struct load {
	const char *name;
	const char *arguments[3];
	/* Sockets that ss must show, or the load is not what it should be. */
	long sockets;
	bool time_wait;
	bool has_port;
	/* ss takes minutes there: portshare is measured alone, for the growth. */
	bool alone;
	/* Ratios to reach, 0 where none is set. */
	double target[N_BPF];
	double target_json[N_BPF];
	double target_port[N_BPF];
	double target_memory;
};

extern const struct load loads[N_LOADS];

struct keeper {
	pid_t pid;
	int input;
	long port;
	double born;
};

/* The ratio to reach, 0 where none is set. */
double load_target(const struct load *load, enum mode mode, enum bpf bpf);

/* Each load gets a new namespace: nothing is left of the one before. mkload is a program's path. */
void load_start(const struct load *load, const char *mkload, struct keeper *ret_keeper);
void load_stop(const struct load *load, const struct keeper *keeper);

#endif
