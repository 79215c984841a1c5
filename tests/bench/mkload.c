/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkload: fills a private network namespace with sockets, says "ready PORT SOCKETS" and keeps them
 * until its standard input closes.
 *
 * All sockets talk to loopback addresses only. It refuses to work in a namespace where another
 * network interface is up, because its loads would disturb a host in use.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Below the ephemeral range, so that connecting sockets never take a listener's port. */
#define PORT_LISTEN4 10000
#define PORT_LISTEN6 20000
#define PORT_UDP_BUSY 14000
/* The UDP load gives every socket a port of its own, this many to an address. */
#define PORTS_UDP 50000
/* The clients of the TIME-WAIT load bind ports of the usual ephemeral range. */
#define PORT_CLIENT 32768
#define PORTS_CLIENT 28000
#define INDEX_CLIENT 100000

#define PROCESSES_MAX 4000
#define TIME_WAIT_PAIRS 5

struct load {
	const char *name;
	const char *parameters;
	long sockets;
	long processes;
	long others;
	int (*make)(const struct load *load, long index, long sockets);
	bool (*complete)(const struct load *load);
};

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list arguments;

	fputs("mkload: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static int complain_errno(const char *what)
{
	int error = errno;

	complain("%s: %s", what, strerror(error));
	return -error;
}

/* A distinct address of 127.0.0.0/8 for each index. */
static struct sockaddr_in loopback4(long index, unsigned int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
	};

	address.sin_addr.s_addr =
		htonl(0x7f000000U + (uint32_t)(index / 200 * 256) + (uint32_t)(index % 200) + 1);
	return address;
}

static struct sockaddr_in6 any6(unsigned int port)
{
	return (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_ANY_INIT,
	};
}

static int open_socket(int family, int type, bool reuseaddr)
{
	int one = 1;
	int fd = socket(family, type, 0);

	if (fd < 0)
		return complain_errno("socket");
	if (reuseaddr && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return complain_errno("SO_REUSEADDR");
	return fd;
}

static int open_listener(const void *address, socklen_t length, bool reuseaddr)
{
	int family = ((const struct sockaddr *)address)->sa_family;
	int fd = open_socket(family, SOCK_STREAM, reuseaddr);

	if (fd < 0)
		return fd;
	if (bind(fd, address, length) < 0)
		return complain_errno("bind");
	if (listen(fd, 128) < 0)
		return complain_errno("listen");
	return fd;
}

/* Connects a new socket, bound to from if that is given, to the listener; both ends stay open. */
static int open_pair(int listener, const void *address, socklen_t length, bool reuseaddr,
		     const struct sockaddr_in *from, int *ret_client, int *ret_server)
{
	int family = ((const struct sockaddr *)address)->sa_family;
	int client = open_socket(family, SOCK_STREAM, reuseaddr);
	int server;

	if (client < 0)
		return client;
	if (from && bind(client, (const struct sockaddr *)from, sizeof(*from)) < 0)
		return complain_errno("bind a client");
	if (connect(client, address, length) < 0)
		return complain_errno("connect");
	server = accept(listener, NULL, NULL);
	if (server < 0)
		return complain_errno("accept");
	*ret_client = client;
	*ret_server = server;
	return 0;
}

static int make_nothing(const struct load *load, long index, long sockets)
{
	(void)load;
	(void)index;
	(void)sockets;
	return 0;
}

/*
 * An odd number: an IPv4 listener and pairs. An even one: an IPv6 listener too, which a third of
 * the pairs use.
 */
static int make_tcp(const struct load *load, long index, long sockets)
{
	struct sockaddr_in address4 = loopback4(index, (unsigned int)(PORT_LISTEN4 + index));
	struct sockaddr_in6 address6 = any6((unsigned int)(PORT_LISTEN6 + index));
	bool reuseaddr = index % 2 == 0;
	int listener4, listener6 = -1;
	int client, server;

	(void)load;
	if (sockets < 1)
		return 0;
	listener4 = open_listener(&address4, sizeof(address4), reuseaddr);
	if (listener4 < 0)
		return listener4;
	if (sockets % 2 == 0) {
		listener6 = open_listener(&address6, sizeof(address6), reuseaddr);
		if (listener6 < 0)
			return listener6;
		address6.sin6_addr = in6addr_loopback;
	}
	for (long i = 0; i < (sockets - 1) / 2; i++) {
		bool six = listener6 >= 0 && i % 3 == 2;
		int err = open_pair(six ? listener6 : listener4,
				    six ? (const void *)&address6 : &address4,
				    six ? sizeof(address6) : sizeof(address4), false, NULL, &client,
				    &server);

		if (err)
			return err;
	}
	return 0;
}

static int make_udp(const struct load *load, long index, long sockets)
{
	long first =
		load->sockets / load->processes * index +
		(index < load->sockets % load->processes ? index : load->sockets % load->processes);

	for (long i = first; i < first + sockets; i++) {
		struct sockaddr_in address =
			loopback4(i / PORTS_UDP, (unsigned int)(PORT_LISTEN4 + i % PORTS_UDP));
		int fd = open_socket(AF_INET, SOCK_DGRAM, i % 2 == 0);

		if (fd < 0)
			return fd;
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			return complain_errno("bind");
	}
	return 0;
}

static int open_others(long others)
{
	int ends[2];

	for (long i = 0; i < others; i++) {
		int fd = -1;

		switch (i % 4) {
		case 0:
			fd = eventfd(0, 0);
			break;
		case 1:
			if (i + 1 < others) {
				fd = pipe(ends);
				i++;
				break;
			}
			/* fallthrough */
		default:
			fd = open("/proc/self/exe", O_RDONLY);
		}
		if (fd < 0)
			return complain_errno("open a descriptor that is no socket");
	}
	return 0;
}

/* A listener, a connection to it (two sockets) and a UDP socket, among many other descriptors. */
static int make_busy(const struct load *load, long index, long sockets)
{
	struct sockaddr_in tcp = loopback4(index, (unsigned int)(PORT_LISTEN4 + index));
	struct sockaddr_in udp = loopback4(index, (unsigned int)(PORT_UDP_BUSY + index));
	int client, server, fd;
	int err;

	(void)sockets;
	fd = open_listener(&tcp, sizeof(tcp), index % 2 == 0);
	if (fd < 0)
		return fd;
	err = open_pair(fd, &tcp, sizeof(tcp), false, NULL, &client, &server);
	if (err)
		return err;
	fd = open_socket(AF_INET, SOCK_DGRAM, index % 2 == 0);
	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&udp, sizeof(udp)) < 0)
		return complain_errno("bind");
	return open_others(load->others);
}

/*
 * Half of the connections have SO_REUSEADDR on both ends; half of each kind are closed by the
 * server first, half by the client: the end that closes first is left in TIME-WAIT. No client
 * address and port is used twice: the server's TIME-WAIT would give way to the new connection.
 */
static int make_time_wait(const struct load *load, long index, long sockets)
{
	struct sockaddr_in addresses[2 * TIME_WAIT_PAIRS];
	int listeners[2 * TIME_WAIT_PAIRS];
	char byte;

	(void)load;
	for (long i = 0; i < 2 * TIME_WAIT_PAIRS; i++) {
		long number = index * 2 * TIME_WAIT_PAIRS + i;

		addresses[i] = loopback4(number, (unsigned int)(PORT_LISTEN4 + number));
		listeners[i] = open_listener(&addresses[i], sizeof(addresses[i]), i % 2 == 0);
		if (listeners[i] < 0)
			return listeners[i];
	}
	for (long i = 0; i < sockets; i++) {
		long to = i % (2 * TIME_WAIT_PAIRS);
		long number = i / (2 * TIME_WAIT_PAIRS);
		struct sockaddr_in from =
			loopback4(INDEX_CLIENT * (1 + number / PORTS_CLIENT) +
					  index * 2 * TIME_WAIT_PAIRS + to,
				  (unsigned int)(PORT_CLIENT + number % PORTS_CLIENT));
		int client, server;
		int err = open_pair(listeners[to], &addresses[to], sizeof(addresses[to]),
				    to % 2 == 0, &from, &client, &server);
		bool server_first = number % 2 == 0;

		if (err)
			return err;
		close(server_first ? server : client);
		/* Wait for the end of file: closing both at once could leave both in TIME-WAIT. */
		if (read(server_first ? client : server, &byte, 1) != 0)
			return complain_errno("read the end of a connection");
		close(server_first ? client : server);
	}
	return 0;
}

/* The number after the word on the protocol's line of a sockstat file; 0 if absent. */
static long sockstat(const char *path, const char *protocol, const char *word)
{
	char line[256];
	long value = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		char *at;

		if (strncmp(line, protocol, strlen(protocol)) != 0 || line[strlen(protocol)] != ':')
			continue;
		at = strstr(line, word);
		if (at)
			value = strtol(at + strlen(word), NULL, 10);
	}
	fclose(file);
	return value;
}

static long count_tcp(void)
{
	return sockstat("/proc/net/sockstat", "TCP", " inuse ") +
	       sockstat("/proc/net/sockstat6", "TCP6", " inuse ");
}

static long count_udp(void)
{
	return sockstat("/proc/net/sockstat", "UDP", " inuse ");
}

static bool complete_nothing(const struct load *load)
{
	(void)load;
	return true;
}

static bool complete_tcp(const struct load *load)
{
	return count_tcp() == load->sockets;
}

static bool complete_udp(const struct load *load)
{
	return count_udp() == load->sockets;
}

static bool complete_busy(const struct load *load)
{
	return count_tcp() + count_udp() == load->sockets;
}

static bool complete_time_wait(const struct load *load)
{
	return sockstat("/proc/net/sockstat", "TCP", " tw ") == load->sockets &&
	       count_tcp() == 2 * TIME_WAIT_PAIRS * load->processes;
}

static const struct load loads[] = {
	{ .name = "idle",
	  .parameters = "",
	  .processes = 0,
	  .make = make_nothing,
	  .complete = complete_nothing },
	{ .name = "tcp",
	  .parameters = " SOCKETS [PROCESSES]",
	  .processes = 50,
	  .make = make_tcp,
	  .complete = complete_tcp },
	{ .name = "udp",
	  .parameters = " SOCKETS [PROCESSES]",
	  .processes = 50,
	  .make = make_udp,
	  .complete = complete_udp },
	{ .name = "busy",
	  .parameters = " PROCESSES [OTHER-DESCRIPTORS]",
	  .others = 100,
	  .make = make_busy,
	  .complete = complete_busy },
	{ .name = "time-wait",
	  .parameters = " SOCKETS [PROCESSES]",
	  .processes = 10,
	  .make = make_time_wait,
	  .complete = complete_time_wait },
};

static void usage(void)
{
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		fprintf(stderr, "%s mkload %s%s\n", i ? "      " : "usage:", loads[i].name,
			loads[i].parameters);
}

static bool parse_number(const char *text, long lowest, long highest, long *ret_number)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < lowest || number > highest)
		return false;
	*ret_number = number;
	return true;
}

static bool parse_load(int argc, char **argv, struct load *ret_load)
{
	struct load load = { .name = NULL };

	if (argc < 2)
		return false;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (strcmp(argv[1], loads[i].name) == 0)
			load = loads[i];
	}
	if (!load.name)
		return false;
	if (load.make == make_nothing) {
		if (argc != 2)
			return false;
	} else if (argc < 3 || argc > 4) {
		return false;
	} else if (load.make == make_busy) {
		if (!parse_number(argv[2], 1, PROCESSES_MAX, &load.processes) ||
		    (argc > 3 && !parse_number(argv[3], 0, 100000, &load.others)))
			return false;
		load.sockets = 4 * load.processes;
	} else {
		if (!parse_number(argv[2], 1, 10000000, &load.sockets) ||
		    (argc > 3 && !parse_number(argv[3], 1, PROCESSES_MAX, &load.processes)))
			return false;
		if (load.processes > load.sockets)
			load.processes = load.sockets;
	}
	*ret_load = load;
	return true;
}

/* Brings the loopback up; refuses a namespace that is somebody's network. */
static int prepare_network(void)
{
	struct if_nameindex *interfaces = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (!interfaces || fd < 0)
		return complain_errno("list the network interfaces");
	for (struct if_nameindex *i = interfaces; i->if_name && !err; i++) {
		struct ifreq request = { .ifr_flags = 0 };

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", i->if_name);
		if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
			err = complain_errno("SIOCGIFFLAGS");
		} else if (request.ifr_flags & IFF_LOOPBACK) {
			if (request.ifr_flags & IFF_UP)
				continue;
			request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
			if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
				err = complain_errno("bring the loopback up");
		} else if (request.ifr_flags & IFF_UP) {
			complain("interface %s is up: start me in a private network namespace "
				 "(unshare -n)",
				 i->if_name);
			err = -EPERM;
		}
	}
	if_freenameindex(interfaces);
	close(fd);
	return err;
}

static int write_sysctl(const char *path, long value)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fprintf(file, "%ld\n", value);
	return fclose(file) ? -errno : 0;
}

static int raise_limits(const struct load *load)
{
	struct rlimit limit;
	rlim_t need = 64 + (rlim_t)load->others;

	if (load->processes > 0)
		need += (rlim_t)(load->sockets / load->processes);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return complain_errno("RLIMIT_NOFILE");
	if (limit.rlim_cur >= need)
		return 0;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return complain_errno("raise RLIMIT_NOFILE");
	return 0;
}

/* A process of the load: makes its sockets, reports, and lives until the hold pipe closes. */
static void run_process(const struct load *load, long index, int hold, int report)
{
	long sockets =
		load->sockets / load->processes + (index < load->sockets % load->processes ? 1 : 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 'y';

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(1);
	close(null);
	if (load->make(load, index, sockets))
		_exit(1);
	if (write(report, &byte, 1) != 1)
		_exit(1);
	close(report);
	while (read(hold, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int start_processes(const struct load *load, int *ret_hold)
{
	int hold[2], report[2];
	long ready = 0;
	pid_t parent = getpid();
	char bytes[256];

	if (pipe2(hold, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0)
		return complain_errno("pipe");
	for (long i = 0; i < load->processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return complain_errno("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			close(hold[1]);
			close(report[0]);
			run_process(load, i, hold[0], report[1]);
		}
	}
	close(hold[0]);
	close(report[1]);
	while (ready < load->processes) {
		ssize_t n = read(report[0], bytes, sizeof(bytes));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			complain("only %ld of %ld processes made their sockets", ready,
				 load->processes);
			return -ECHILD;
		}
		ready += n;
	}
	close(report[0]);
	*ret_hold = hold[1];
	return 0;
}

static void pause_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
	struct load load;
	char bytes[256];
	int hold = -1;
	ssize_t n;

	if (!parse_load(argc, argv, &load)) {
		usage();
		return 2;
	}
	if (prepare_network() || raise_limits(&load))
		return 1;
	if (load.make == make_time_wait) {
		/* Loopback connections would take over a TIME-WAIT older than a second. */
		write_sysctl("/proc/sys/net/ipv4/tcp_tw_reuse", 0);
		write_sysctl("/proc/sys/net/ipv4/tcp_max_tw_buckets", 2 * load.sockets);
	}
	if (start_processes(&load, &hold))
		return 1;
	/* The kernel may still be closing; what is missing after some seconds will not come. */
	for (int i = 0; i < 100 && !load.complete(&load); i++)
		pause_ms(50);
	if (!load.complete(&load)) {
		complain("wanted %ld sockets, the kernel counts %ld TCP, %ld UDP, %ld TIME-WAIT",
			 load.sockets, count_tcp(), count_udp(),
			 sockstat("/proc/net/sockstat", "TCP", " tw "));
		return 1;
	}
	printf("ready %ld %ld\n", PORT_LISTEN4 + load.processes / 2, load.sockets);
	if (fflush(stdout))
		return 1;
	do {
		n = read(STDIN_FILENO, bytes, sizeof(bytes));
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (hold >= 0)
		close(hold);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
