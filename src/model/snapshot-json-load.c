/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "model/json-field.h"
#include "model/snapshot-json-rows.h"
#include "util/xalloc.h"

/*
 * jansson holds a parsed value in some ten times the memory of its text, so it gets the elements of
 * the lists one by one, and this file walks the outermost object. What is left to a hostile
 * document is one huge element: hence a budget.
 */
#define DOCUMENT_MAX ((size_t)1 << 30)
#define ELEMENT_MEMORY_MAX ((size_t)256 << 20)
#define PARSE_FLAGS                                                                                \
	(JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL)

struct document {
	char *text;
	size_t size, position;
	struct snapshot *snapshot;
	struct json_rows rows;
	struct snapshot_json_error *error;
	uint32_t seen; /* bits of members[] */
};

/* ---- memory of jansson, whose functions for it are global ---- */

static size_t memory_used;

static void *budget_malloc(size_t size)
{
	void *pointer = size <= ELEMENT_MEMORY_MAX - memory_used ? malloc(size) : NULL;

	if (pointer)
		memory_used += malloc_usable_size(pointer);
	if (memory_used > ELEMENT_MEMORY_MAX) {
		memory_used -= malloc_usable_size(pointer);
		free(pointer);
		pointer = NULL;
	}
	return pointer;
}

static void budget_free(void *pointer)
{
	if (pointer)
		memory_used -= malloc_usable_size(pointer);
	free(pointer);
}

/* ---- what can be wrong ---- */

/* "line 3, column 7: …"; columns are counted in characters. */
static int fail_at(struct document *document, size_t position, const char *what)
{
	size_t i, line = 1, column = 1;

	if (position > document->size)
		position = document->size;
	for (i = 0; i < position; i++) {
		if (document->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)document->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	snprintf(document->error->text, sizeof(document->error->text), "line %zu, column %zu: %s",
		 line, column, what);
	return -EINVAL;
}

static int fail(struct document *document, const char *what)
{
	snprintf(document->error->text, sizeof(document->error->text), "%s", what);
	return -EINVAL;
}

static void skip_blanks(struct document *document)
{
	while (document->position < document->size &&
	       memchr(" \t\r\n", document->text[document->position], 4))
		document->position++;
}

/* The next character that is no blank, or 0 at the end. */
static char peek(struct document *document)
{
	skip_blanks(document);
	return document->position < document->size ? document->text[document->position] : '\0';
}

static int fail_here(struct document *document, const char *expected)
{
	char what[64];

	if (!peek(document) && document->position >= document->size)
		return fail_at(document, document->size, "the document ends in the middle");
	snprintf(what, sizeof(what), "expected %s", expected);
	return fail_at(document, document->position, what);
}

/* ---- values ---- */

static size_t skip_string(const char *text, size_t size, size_t i)
{
	for (i++; i < size && text[i] != '"'; i++) {
		if (text[i] == '\\')
			i++;
	}
	return i < size ? i + 1 : size;
}

/* End of the value at i: where its brackets are closed, or where a word ends. */
static size_t skip_value(const char *text, size_t size, size_t i)
{
	size_t depth = 0;

	while (i < size && memchr(" \t\r\n", text[i], 4))
		i++;
	if (i < size && !strchr("\"{[", text[i])) {
		while (i < size && !memchr(" \t\r\n,]}", text[i], 7))
			i++;
		return i;
	}
	while (i < size) {
		switch (text[i]) {
		case '"':
			i = skip_string(text, size, i) - 1;
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		}
		i++;
		if (!depth)
			break;
	}
	return i;
}

static size_t count_digits(const char *text, size_t size, size_t i)
{
	size_t count = 0;

	while (i + count < size && text[i + count] >= '0' && text[i + count] <= '9')
		count++;
	return count;
}

/*
 * jansson has no integers above 2^63-1; inodes of some file systems are. The value again, with
 * such numbers as text, which json_field_unsigned() reads. NULL if there are none.
 */
static json_t *parse_large_numbers(const char *text, size_t size, size_t *ret_length)
{
	size_t i, digits, end = skip_value(text, size, 0), used = 0;
	char *quoted = xmalloc(end + end / 9 + 16);
	bool found = false;
	json_error_t error;
	json_t *value = NULL;

	for (i = 0; i < end;) {
		if (text[i] == '"') {
			size_t after = skip_string(text, end, i);

			memcpy(quoted + used, text + i, after - i);
			used += after - i;
			i = after;
			continue;
		}
		digits = count_digits(text, end, i);
		if (digits < 19 || (i && strchr("-+.", text[i - 1])) ||
		    (i + digits < end && strchr(".eE", text[i + digits]))) {
			digits = digits ? digits : 1;
			memcpy(quoted + used, text + i, digits);
			used += digits;
		} else {
			quoted[used++] = '"';
			memcpy(quoted + used, text + i, digits);
			used += digits;
			quoted[used++] = '"';
			found = true;
		}
		i += digits;
	}
	if (found)
		value = json_loadb(quoted, used, PARSE_FLAGS, &error);
	free(quoted);
	*ret_length = end;
	return value;
}

static int fail_parse(struct document *document, size_t offset, const json_error_t *error)
{
	size_t place = document->position + offset;
	char what[JSON_ERROR_TEXT_LENGTH + 32];

	skip_blanks(document);
	if (place >= document->size)
		return fail_at(document, document->size, "the document ends in the middle");
	if (!*error->text)
		return fail_at(document, document->position, "too large to be read");
	snprintf(what, sizeof(what), "this is not JSON: %s", error->text);
	return fail_at(document, place, what);
}

/* The value here; the position moves behind it. Returns 0 or -EINVAL. */
static int parse(struct document *document, json_t **ret_value)
{
	const char *text = document->text + document->position;
	size_t size = document->size - document->position, length;
	json_error_t error = { .text = "" };
	json_t *value;

	value = json_loadb(text, size, PARSE_FLAGS, &error);
	length = error.position > 0 ? (size_t)error.position : 0;
	if (!value && strstr(error.text, "too big integer"))
		value = parse_large_numbers(text, size, &length);
	if (!value)
		return fail_parse(document, length, &error);
	document->position += length;
	*ret_value = value;
	return 0;
}

/* ---- members of the outermost object ---- */

static int read_version(struct document *document, const char *name)
{
	char text[128];
	json_t *value;
	int status = parse(document, &value);

	(void)name;
	if (status)
		return status;
	if (!json_is_integer(value)) {
		status = fail(document, "schema_version: expected a number");
	} else if (json_integer_value(value) != SNAPSHOT_SCHEMA_VERSION) {
		snprintf(text, sizeof(text),
			 "schema_version is %" JSON_INTEGER_FORMAT
			 "; this program reads version %d",
			 json_integer_value(value), SNAPSHOT_SCHEMA_VERSION);
		status = fail(document, text);
	}
	json_decref(value);
	return status;
}

/* A value as the only member of an object, for the functions that read members. */
static int read_wrapped(struct document *document, const char *name, json_t **ret_object)
{
	json_t *value, *object;
	int status = parse(document, &value);

	if (status)
		return status;
	object = json_object();
	/* The value is given away even where this fails, as where there is no object. */
	if (!json_object_set_new(object, name, value)) {
		*ret_object = object;
		return 0;
	}
	json_decref(object);
	return fail(document, "too large to be read");
}

static int read_text(struct document *document, const char *name, string_id *ret_text)
{
	json_t *object;
	int status = read_wrapped(document, name, &object);

	if (status)
		return status;
	*ret_text = json_field_string(&document->rows.reader, object, name,
				      &document->snapshot->strings);
	json_decref(object);
	return document->rows.reader.failed ? -EINVAL : 0;
}

static int read_portshare(struct document *document, const char *name)
{
	return read_text(document, name, &document->snapshot->version);
}

static int read_host(struct document *document, const char *name)
{
	return read_text(document, name, &document->snapshot->host);
}

static int read_kernel(struct document *document, const char *name)
{
	return read_text(document, name, &document->snapshot->kernel);
}

static int read_taken(struct document *document, const char *name)
{
	struct json_field_reader *reader = &document->rows.reader;
	json_t *object, *taken;
	int status = read_wrapped(document, name, &object);

	if (status)
		return status;
	taken = json_field_object(reader, object, name);
	json_field_enter(reader, name);
	json_field_time(reader, taken, "start", &document->snapshot->start_ns);
	json_field_time(reader, taken, "end", &document->snapshot->end_ns);
	json_field_leave(reader);
	json_decref(object);
	return reader->failed ? -EINVAL : 0;
}

/* Pass the elements of a list on, one by one; add is NULL for what is not known. */
static int read_list(struct document *document, const char *name,
		     void (*add)(struct json_rows *rows, const json_t *element))
{
	struct json_field_reader *reader = &document->rows.reader;
	size_t index = 0;
	json_t *element;
	int status;

	document->position++;
	if (peek(document) == ']') {
		document->position++;
		return 0;
	}
	for (;; index++) {
		status = parse(document, &element);
		if (status)
			return status;
		if (add) {
			json_field_enter(reader, name);
			json_field_enter_index(reader, index);
			add(&document->rows, element);
			json_field_leave(reader);
			json_field_leave(reader);
		}
		json_decref(element);
		if (reader->failed)
			return -EINVAL;
		if (peek(document) == ']')
			break;
		if (peek(document) != ',')
			return fail_here(document, "\",\" or \"]\"");
		document->position++;
	}
	document->position++;
	return 0;
}

/* A list, or null, of one of the tables. */
static int read_table(struct document *document, const char *name,
		      void (*add)(struct json_rows *rows, const json_t *element))
{
	json_t *value;
	int status;

	if (peek(document) == '[')
		return read_list(document, name, add);
	status = parse(document, &value);
	if (status)
		return status;
	if (!json_is_null(value)) {
		json_field_fail(&document->rows.reader, name, "expected a list");
		status = -EINVAL;
	}
	json_decref(value);
	return status;
}

static int read_netns(struct document *document, const char *name)
{
	return read_table(document, name, json_rows_add_netns);
}

static int read_processes(struct document *document, const char *name)
{
	return read_table(document, name, json_rows_add_process);
}

static int read_sockets(struct document *document, const char *name)
{
	/* Without them a document says nothing, and would be taken for a machine without any. */
	if (peek(document) != '[') {
		json_field_fail(&document->rows.reader, name, "expected a list");
		return -EINVAL;
	}
	return read_list(document, name, json_rows_add_socket);
}

static int read_limits(struct document *document, const char *name)
{
	return read_table(document, name, json_rows_add_limit);
}

/* What probe was asked: no snapshot has that. */
static int read_candidate(struct document *document, const char *name)
{
	(void)name;
	return fail(document, "this is an answer of probe; the snapshot behind it is its member "
			      "\"snapshot\"");
}

static int read_unknown(struct document *document)
{
	json_t *value;
	int status;

	if (peek(document) == '[')
		return read_list(document, "", NULL);
	status = parse(document, &value);
	if (!status)
		json_decref(value);
	return status;
}

/* Those that a snapshot must have, as bits of seen. */
enum {
	MEMBER_VERSION,
	MEMBER_SOCKETS,
};

static const struct {
	const char *name;
	int (*read)(struct document *document, const char *name);
} members[] = {
	[MEMBER_VERSION] = { "schema_version", read_version },
	[MEMBER_SOCKETS] = { "sockets", read_sockets },
	{ "portshare", read_portshare },
	{ "host", read_host },
	{ "kernel", read_kernel },
	{ "taken", read_taken },
	{ "netns", read_netns },
	{ "processes", read_processes },
	{ "limits", read_limits },
	{ "candidate", read_candidate },
};

static int read_member(struct document *document, const char *name, size_t position)
{
	char what[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		if (strcmp(members[i].name, name))
			continue;
		if (document->seen & 1U << i) {
			snprintf(what, sizeof(what), "\"%s\" is there twice", members[i].name);
			return fail_at(document, position, what);
		}
		document->seen |= 1U << i;
		return members[i].read(document, members[i].name);
	}
	return read_unknown(document);
}

static int read_name_and_value(struct document *document)
{
	size_t position;
	json_t *name;
	int status;

	if (peek(document) != '"')
		return fail_here(document, "the name of a member");
	position = document->position;
	status = parse(document, &name);
	if (status)
		return status;
	if (peek(document) == ':') {
		document->position++;
		skip_blanks(document);
		status = read_member(document, json_string_value(name), position);
	} else {
		status = fail_here(document, "\":\"");
	}
	json_decref(name);
	return status;
}

static int read_document(struct document *document)
{
	int status;

	if (document->size >= 3 && !memcmp(document->text, "\xef\xbb\xbf", 3))
		document->position = 3;
	if (!peek(document) && document->position >= document->size)
		return fail(document, "this is empty; expected a snapshot written by --json");
	if (peek(document) != '{')
		return fail_here(document, "an object, as portshare --json writes it");
	document->position++;
	if (peek(document) == '}') {
		document->position++;
	} else {
		for (;;) {
			status = read_name_and_value(document);
			if (status)
				return status;
			if (peek(document) == '}')
				break;
			if (peek(document) != ',')
				return fail_here(document, "\",\" or \"}\"");
			document->position++;
		}
		document->position++;
	}
	if (peek(document) || document->position < document->size)
		return fail_here(document, "nothing more behind the snapshot");
	if (!(document->seen & 1U << MEMBER_VERSION))
		return fail(document, "this is no snapshot: schema_version is missing");
	if (!(document->seen & 1U << MEMBER_SOCKETS))
		return fail(document, "this is no snapshot: sockets is missing");
	json_rows_resolve(&document->rows);
	return document->rows.reader.failed ? -EINVAL : 0;
}

/* The whole stream. Returns 0, -EINVAL (too large) or -EIO. */
static int read_stream(struct document *document, FILE *stream)
{
	size_t capacity = 65536, count;

	document->text = xmalloc(capacity);
	for (;;) {
		errno = 0;
		count = fread(document->text + document->size, 1, capacity - document->size,
			      stream);
		document->size += count;
		if (document->size > DOCUMENT_MAX)
			return fail(document, "larger than 1 GiB, which is too large to be read");
		if (document->size < capacity)
			break;
		capacity *= 2;
		document->text = xreallocarray(document->text, capacity, 1);
	}
	if (!ferror(stream))
		return 0;
	snprintf(document->error->text, sizeof(document->error->text), "cannot be read: %s",
		 strerror(errno ? errno : EIO));
	return -EIO;
}

int snapshot_json_load(FILE *stream, struct snapshot **ret_snapshot,
		       struct snapshot_json_error *ret_error)
{
	struct document document = { .error = ret_error };
	json_malloc_t saved_malloc;
	json_free_t saved_free;
	int status;

	ret_error->text[0] = '\0';
	document.snapshot = snapshot_new();
	document.snapshot->from_file = true;
	json_rows_init(&document.rows, document.snapshot, ret_error->text, sizeof(ret_error->text));
	json_get_alloc_funcs(&saved_malloc, &saved_free);
	json_set_alloc_funcs(budget_malloc, budget_free);
	status = read_stream(&document, stream);
	if (!status)
		status = read_document(&document);
	json_set_alloc_funcs(saved_malloc, saved_free);
	json_rows_done(&document.rows);
	free(document.text);
	if (status)
		snapshot_free(document.snapshot);
	else
		*ret_snapshot = document.snapshot;
	return status;
}
