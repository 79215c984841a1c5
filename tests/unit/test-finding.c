/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/finding.h"

#include <errno.h>
#include <string.h>

#include "helpers/tap.h"

static void add(struct finding_list *list, enum finding_id id, enum severity severity,
		uint16_t port, bool undecided)
{
	const uint32_t sockets[] = { port, port + 1U };
	struct finding *finding = finding_list_add(list, id, severity, sockets, 2);

	finding->port = port;
	finding->undecided = undecided;
	finding->title = strdup("title");
}

static const char *ports(const struct finding_list *list)
{
	static char text[128];
	size_t length = 0;
	uint32_t i;

	text[0] = '\0';
	for (i = 0; i < list->count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
					   i ? " " : "", list->items[i].port);
	return text;
}

static bool is_even(const struct finding_list *list, const struct finding *finding, void *user)
{
	(void)list;
	return finding->port % *(int *)user == 0;
}

int main(void)
{
	struct finding_list list = { .items = NULL };
	int i, wrong = 0, two = 2;

	for (i = 0; i < N_FINDINGS; i++)
		wrong += finding_parse(finding_name((enum finding_id)i)) != i;
	for (i = 0; i < N_SEVERITIES; i++)
		wrong += severity_parse(severity_name((enum severity)i)) != i;
	is_int(wrong, 0, "every name is read as what it stands for");
	is_int(finding_parse("udp"), -EINVAL, "no finding");
	is_int(severity_parse(""), -EINVAL, "no severity");

	add(&list, FINDING_UDP_HIJACKABLE, SEVERITY_NOTE, 9, false);
	add(&list, FINDING_UDP_SHADOWED, SEVERITY_CRITICAL, 8, true);
	add(&list, FINDING_UDP_SHADOWED, SEVERITY_WARNING, 7, false);
	add(&list, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING, 6, false);
	add(&list, FINDING_TIME_WAIT_OVERFLOW, SEVERITY_CRITICAL, 5, false);
	add(&list, FINDING_UDP_SHADOWED, SEVERITY_WARNING, 0, false);
	add(&list, FINDING_UDP_SHADOWED, SEVERITY_WARNING, 4, false);
	finding_list_sort(&list);
	is_str(ports(&list), "5 6 4 7 0 9 8", "worst first, then by kind and port, undecided last");
	ok(list.sockets[list.items[0].first_socket] == 5 && list.items[0].n_sockets == 2,
	   "they keep their sockets");
	finding_list_retain(&list, is_even, &two);
	is_str(ports(&list), "6 4 0 8", "some are kept");
	finding_list_done(&list);
	is_int(list.count, 0, "empty again");
	return done_testing();
}
