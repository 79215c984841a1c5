/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/socket-bpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/xalloc.h"

/* Generated code, not held to this project's warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wwrite-strings"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "bpf/bucket.lskel.h"
#include "bpf/bucket-probe.lskel.h"
#include "bpf/owners.lskel.h"
#include "bpf/owners-probe.lskel.h"
#include "bpf/tcp.lskel.h"
#include "bpf/tcp-probe.lskel.h"
#include "bpf/udp.lskel.h"
#include "bpf/udp-probe.lskel.h"
#pragma GCC diagnostic pop

/* A program that is loaded, and its buffer mapped. */
struct pass {
	void *buffer; /* NULL: not loaded */
	size_t size;
	int program;
};

struct socket_bpf {
	struct pass owners, tcp, udp, bucket;
};

/*
 * Load the skeleton NAME, and take from it the program and the map, both called as the sources
 * call them.
 */
#define DEFINE_LOAD(name, program_name)                                                            \
	static int load_##name(int *ret_program, int *ret_map)                                     \
	{                                                                                          \
		struct name##_bpf *skeleton = name##_bpf__open();                                  \
		int error;                                                                         \
                                                                                                   \
		if (!skeleton)                                                                     \
			return -ENOMEM;                                                            \
		error = name##_bpf__load(skeleton);                                                \
		if (!error) {                                                                      \
			*ret_program = skeleton->progs.program_name.prog_fd;                       \
			*ret_map = skeleton->maps.buffer.map_fd;                                   \
			skeleton->progs.program_name.prog_fd = 0;                                  \
			skeleton->maps.buffer.map_fd = 0;                                          \
		}                                                                                  \
		name##_bpf__destroy(skeleton);                                                     \
		return error;                                                                      \
	}

DEFINE_LOAD(bucket, bucket)
DEFINE_LOAD(bucket_probe, bucket)
DEFINE_LOAD(owners, owners)
DEFINE_LOAD(owners_probe, owners)
DEFINE_LOAD(tcp, tcp)
DEFINE_LOAD(tcp_probe, tcp)
DEFINE_LOAD(udp, udp)
DEFINE_LOAD(udp_probe, udp)

typedef int load_function(int *ret_program, int *ret_map);

/* Linux before 6.2 has no direct loads from pointers of any kind, and takes the second program. */
static int pass_load(struct pass *pass, size_t size, load_function *load, load_function *load_probe)
{
	int program, map, error;
	void *buffer;

	if (pass->buffer)
		return 0;
	error = load(&program, &map);
	if (error && error != -EPERM && error != -ENOSYS)
		error = load_probe(&program, &map);
	if (error)
		return error;
	size = (size + 4095) & ~(size_t)4095;
	buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	error = buffer == MAP_FAILED ? -errno : 0;
	close(map);
	if (error) {
		close(program);
		return error;
	}
	*pass = (struct pass){ .buffer = buffer, .size = size, .program = program };
	return 0;
}

static void pass_done(struct pass *pass)
{
	if (!pass->buffer)
		return;
	munmap(pass->buffer, pass->size);
	close(pass->program);
}

/* A new iterator: what it visits begins now, and in this thread's network namespace. */
static int pass_open(const struct pass *pass, int *ret_iterator)
{
	union bpf_attr attr;
	int link, iterator, error = 0;

	link = skel_link_create(pass->program, 0, BPF_TRACE_ITER);
	if (link < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.iter_create.link_fd = link;
	iterator = skel_sys_bpf(BPF_ITER_CREATE, &attr, sizeof(attr));
	if (iterator < 0)
		error = -errno;
	close(link);
	if (error)
		return error;
	*ret_iterator = iterator;
	return 0;
}

/*
 * Run a pass to its end. The program never writes to the file, so that read(2) says either that all
 * has been visited, or, with EAGAIN, that the buffer is to be emptied (or that the kernel wants a
 * break after a million objects). calls is in the buffer and counts the program's runs.
 */
static int pass_run(const struct pass *pass, const uint32_t *calls,
		    void (*empty)(void *buffer, void *table), void *table)
{
	const volatile uint32_t *progress = calls;
	uint32_t before, idle = 0;
	int iterator, error;
	char byte;

	error = pass_open(pass, &iterator);
	if (error)
		return error;
	for (;;) {
		ssize_t n;

		before = *progress;
		n = read(iterator, &byte, sizeof(byte));
		error = n < 0 ? -errno : 0;
		__sync_synchronize();
		empty(pass->buffer, table);
		if (!error)
			break;
		if (error != -EAGAIN && error != -EINTR)
			break;
		/* Never seen; better an error than a program that does not end. */
		idle = *progress == before ? idle + 1 : 0;
		if (idle > 100) {
			error = -EIO;
			break;
		}
	}
	close(iterator);
	return error;
}

/* Append n records to an array of count; returns the array, which may have moved. */
static void *append(void *items, uint32_t *count, uint32_t *capacity, size_t size,
		    const void *records, uint32_t n)
{
	if (*capacity - *count < n) {
		uint32_t wanted = *count + n;

		*capacity = wanted > *capacity * 2 ? wanted : *capacity * 2;
		items = xreallocarray(items, *capacity, size);
	}
	if (n)
		memcpy((char *)items + *count * size, records, n * size);
	*count += n;
	return items;
}

#define APPEND(table, member, records, n)                                                          \
	((table)->member = append((table)->member, &(table)->n_##member,                           \
				  &(table)->member##_capacity, sizeof(*(table)->member), records,  \
				  n))

/* Tasks are kept, for a table of descriptors may fill several buffers. */
struct owner_reader {
	struct bpf_task_record *tasks;
	uint32_t n_tasks, tasks_capacity;
	bpf_take_owners *take;
	void *user;
};

static void empty_owners(void *buffer, void *user)
{
	struct owners_buffer *from = buffer;
	struct owner_reader *reader = user;
	struct bpf_owner_batch batch = { .sockets = from->sockets, .n_sockets = from->n_sockets };

	APPEND(reader, tasks, from->tasks, from->n_tasks);
	batch.tasks = reader->tasks;
	batch.n_tasks = reader->n_tasks;
	if (batch.n_sockets)
		reader->take(reader->user, &batch);
	from->first_task += from->n_tasks;
	from->n_tasks = 0;
	from->n_sockets = 0;
}

struct socket_bpf *socket_bpf_new(void)
{
	return xcalloc(1, sizeof(struct socket_bpf));
}

void socket_bpf_free(struct socket_bpf *bpf)
{
	if (!bpf)
		return;
	pass_done(&bpf->owners);
	pass_done(&bpf->tcp);
	pass_done(&bpf->udp);
	pass_done(&bpf->bucket);
	free(bpf);
}

int socket_bpf_owners(struct socket_bpf *bpf, bool without_cookie, bpf_take_owners *take,
		      void *user, uint32_t *ret_too_large)
{
	struct owner_reader reader = { .take = take, .user = user };
	struct owners_buffer *buffer;
	int error;

	error = pass_load(&bpf->owners, sizeof(*buffer), load_owners, load_owners_probe);
	if (error)
		return error;
	buffer = bpf->owners.buffer;
	memset(buffer, 0, offsetof(struct owners_buffer, window));
	buffer->without_cookie = without_cookie;
	error = pass_run(&bpf->owners, &buffer->calls, empty_owners, &reader);
	free(reader.tasks);
	if (!error)
		*ret_too_large = buffer->too_large;
	return error;
}

static void empty_tcp(void *buffer, void *user)
{
	struct tcp_buffer *from = buffer;
	struct bpf_socket_table *table = user;

	APPEND(table, sockets, from->sockets, from->n_sockets);
	from->n_sockets = 0;
}

static void empty_udp(void *buffer, void *user)
{
	struct udp_buffer *from = buffer;
	struct bpf_socket_table *table = user;

	APPEND(table, sockets, from->sockets, from->n_sockets);
	APPEND(table, groups, from->groups, from->n_groups);
	from->first_socket += from->n_sockets;
	from->n_sockets = 0;
	from->n_groups = 0;
}

static int run_table(const struct pass *pass, const uint32_t *calls,
		     void (*empty)(void *buffer, void *table), struct bpf_socket_table *ret_table)
{
	struct bpf_socket_table table = { .sockets = NULL };
	int error;

	error = pass_run(pass, calls, empty, &table);
	if (error) {
		bpf_socket_table_done(&table);
		return error;
	}
	*ret_table = table;
	return 0;
}

int socket_bpf_tcp(struct socket_bpf *bpf, bool ownerless_only, struct bpf_socket_table *ret_table)
{
	struct tcp_buffer *buffer;
	int error;

	error = pass_load(&bpf->tcp, sizeof(*buffer), load_tcp, load_tcp_probe);
	if (error)
		return error;
	buffer = bpf->tcp.buffer;
	memset(buffer, 0, offsetof(struct tcp_buffer, sockets));
	buffer->ownerless_only = ownerless_only;
	return run_table(&bpf->tcp, &buffer->calls, empty_tcp, ret_table);
}

int socket_bpf_udp(struct socket_bpf *bpf, struct bpf_socket_table *ret_table)
{
	struct udp_buffer *buffer;
	int error;

	error = pass_load(&bpf->udp, sizeof(*buffer), load_udp, load_udp_probe);
	if (error)
		return error;
	buffer = bpf->udp.buffer;
	memset(buffer, 0, offsetof(struct udp_buffer, sockets));
	return run_table(&bpf->udp, &buffer->calls, empty_udp, ret_table);
}

static void keep_bucket(void *buffer, void *user)
{
	(void)buffer;
	(void)user;
}

int socket_bpf_bucket(struct socket_bpf *bpf, uint16_t port, struct bucket_buffer *ret_bucket)
{
	struct bucket_buffer *buffer;
	int error;

	error = pass_load(&bpf->bucket, sizeof(*buffer), load_bucket, load_bucket_probe);
	if (error)
		return error;
	buffer = bpf->bucket.buffer;
	memset(buffer, 0, sizeof(*buffer));
	buffer->port = port;
	error = pass_run(&bpf->bucket, &buffer->calls, keep_bucket, NULL);
	if (!error)
		*ret_bucket = *buffer;
	return error;
}

void bpf_socket_table_done(struct bpf_socket_table *table)
{
	free(table->sockets);
	free(table->groups);
	*table = (struct bpf_socket_table){ .sockets = NULL };
}
