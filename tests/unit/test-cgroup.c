/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/cgroup.h"

#include <errno.h>
#include <sys/stat.h>

#include "helpers/tap.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "pod6f9c2a1e_5b7d_4c8e_9f00_112233445566"

static const struct {
	const char *path, *unit, *container;
} cases[] = {
	{ "/", "", "" },
	{ "", "", "" },
	{ "/system.slice/sip.service", "sip.service", "" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "" },
	{ "/system.slice/sip.service/worker", "sip.service", "" },
	{ "/system.slice/cups.socket", "cups.socket", "" },
	{ "/init.scope", "init.scope", "" },
	{ "/system.slice/_cpu.service", "cpu.service", "" },
	{ "/system.slice", "", "" },
	{ "/system.slice/.service", "", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", "web.service",
	  "" },
	{ "/system.slice/docker-" HEX ".scope", "docker-" HEX ".scope", HEX },
	{ "/system.slice/docker-" HEX ".scope/system.slice/nginx.service", "nginx.service", HEX },
	{ "/docker/" HEX, "", HEX },
	{ "/machine.slice/libpod-" HEX ".scope/container", "libpod-" HEX ".scope", HEX },
	{ "/machine.slice/libpod-conmon-" HEX ".scope", "libpod-conmon-" HEX ".scope", "" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD
	  ".slice/cri-containerd-" HEX ".scope",
	  "cri-containerd-" HEX ".scope", HEX },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD ".slice", "", POD },
	{ "/kubepods/besteffort/pod6f9c2a1e-5b7d-4c8e-9f00-112233445566/" HEX, "", HEX },
	{ "/kubepods/besteffort/pod6f9c2a1e-5b7d-4c8e-9f00-112233445566", "",
	  "pod6f9c2a1e-5b7d-4c8e-9f00-112233445566" },
	{ "/system.slice/crio-" HEX ".scope", "crio-" HEX ".scope", HEX },
	{ "/lxc.payload.web1/system.slice/nginx.service", "nginx.service", "web1" },
	{ "/lxc.payload.web1", "", "web1" },
	{ "/lxc.monitor.web1", "", "" },
	{ "/lxc/web1", "", "web1" },
	{ "/lxc.payload/web1/x", "", "web1" },
	{ "/x" HEX, "", "" },
	{ "/podium", "", "" },
	{ "//system.slice//x.service//", "x.service", "" },
};

static void is_span(const char *got, size_t length, const char *want, const char *what,
		    const char *path)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%.*s", (int)length, length ? got : "");
	is_str(copy, want, "%s of %s", what, path);
}

static void test_finder(void)
{
	struct cgroup_finder *finder = cgroup_finder_new();
	const char *root = cgroup_finder_is_unified(finder) ? "/sys/fs/cgroup" :
							      "/sys/fs/cgroup/unified";
	char path[4096];
	struct stat info;
	int error;

	if (stat(root, &info)) {
		skip(3, "no unified hierarchy is mounted");
		cgroup_finder_free(finder);
		return;
	}
	error = cgroup_finder_path(finder, info.st_ino, path, sizeof(path));
	is_int(error, 0, "the root by its id");
	is_str(error ? "" : path, "/", "its path");
	is_int(cgroup_finder_path(finder, 1ULL << 62, path, sizeof(path)), -ENOENT,
	       "an id that there is not");
	cgroup_finder_free(finder);
}

int main(void)
{
	struct cgroup_names names;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cgroup_parse_path(cases[i].path, &names);
		is_span(names.unit, names.unit_length, cases[i].unit, "unit", cases[i].path);
		is_span(names.container, names.container_length, cases[i].container, "container",
			cases[i].path);
	}
	test_finder();
	return done_testing();
}
