/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP ports that programs share, without knowing of each other or without defence. */
#include "analysis/detect-udp.h"

#include <stdlib.h>

#include "util/xalloc.h"

int udp_compare_sockets(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

bool udp_is_one_of(const uint32_t *sockets, uint32_t n_sockets, uint32_t socket)
{
	return n_sockets &&
	       bsearch(&socket, sockets, n_sockets, sizeof(socket), udp_compare_sockets) != NULL;
}

bool udp_flags_were_read(const struct inet_socket *socket)
{
	return socket->reuse_evidence == EVIDENCE_BPF ||
	       socket->reuse_evidence == EVIDENCE_GETSOCKOPT;
}

void udp_undecide(const struct detection *detection, struct finding *finding, char *title,
		  const char *missing)
{
	finding->undecided = true;
	finding->title = title;
	finding->evidence = xstrdup(missing);
	finding->text = xstrdup("");
	finding->remedy = xstrdup(detect_see_more(detection, finding));
}

void detect_udp(struct detection *detection)
{
	struct detect_place *places, *place;
	struct address_index guards;

	udp_find_guards(detection, &guards);
	udp_check_hijack(detection, &guards);
	if (detection->bucket->count > 1) {
		places = detect_places(detection, STATE_BOUND, PLACE_OF_DATAGRAMS);
		for (place = places; place->count; place++)
			udp_check_share(detection, place, &guards);
		udp_check_shadows(detection, places);
		free(places);
	}
	address_index_done(&guards);
}
