/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/table.h"

#include <stdio.h>
#include <string.h>

/* What the summary needs; cpu is 0 where nothing was measured. */
struct result {
	double cpu;
	double ratio;
	double memory_ratio;
};

static struct result results[N_LOADS][N_MODES][N_BPF];

static struct spread spread_cpu(const struct variant *variant, int count)
{
	double values[RUNS_MAX];

	for (int i = 0; i < count; i++)
		values[i] = variant->runs[i].cpu;
	return measure_spread(values, count);
}

static struct spread spread_memory(const struct variant *variant, int count)
{
	double values[RUNS_MAX];

	for (int i = 0; i < count; i++)
		values[i] = variant->runs[i].memory_mib;
	return measure_spread(values, count);
}

static struct spread spread_ratio(const struct variant *a, const struct variant *b, int count)
{
	double values[RUNS_MAX];

	/* Less than the clock's step would divide by nothing. */
	for (int i = 0; i < count; i++) {
		double divisor = b->runs[i].cpu > 1e-6 ? b->runs[i].cpu : 1e-6;

		values[i] = a->runs[i].cpu / divisor;
	}
	return measure_spread(values, count);
}

static void format_number(char *buffer, size_t size, double number, int decimals)
{
	if (number > 0)
		snprintf(buffer, size, "%.*f", decimals, number);
	else
		snprintf(buffer, size, "-");
}

void table_head(void)
{
	printf("%-17s %-8s %-3s %7s %15s %7s %9s %7s %8s %8s\n", "load", "mode", "bpf", "of ss",
	       "min-max", "target", "CPU s", "memory", "MiB", "rows");
}

void table_ss(size_t number, const struct variant *ss, int count)
{
	struct spread cpu = spread_cpu(ss, count);
	char range_text[32];

	/* For ss the range is that of its CPU seconds: how steady the machine was. */
	snprintf(range_text, sizeof(range_text), "%.4f-%.4f", cpu.lowest, cpu.highest);
	printf("%-17s %-8s %-3s %7s %15s %7s %9.4f %7s %8.1f %8ld\n", loads[number].name,
	       ss->mode == MODE_PORT ? "ss port" : "ss", "", "", range_text, "", cpu.median, "",
	       spread_memory(ss, count).median, ss->runs[count - 1].rows);
}

void table_variant(size_t number, const struct variant *variant, const struct variant *ss,
		   int count)
{
	const struct load *load = &loads[number];
	struct spread cpu = spread_cpu(variant, count);
	struct spread memory = spread_memory(variant, count);
	struct result result = { .cpu = cpu.median };
	char ratio_text[16] = "-", range_text[32] = "-", target_text[16], memory_text[16] = "-";

	if (ss) {
		struct spread ratio = spread_ratio(variant, ss, count);

		result.ratio = ratio.median;
		result.memory_ratio = memory.median / spread_memory(ss, count).median;
		snprintf(ratio_text, sizeof(ratio_text), "%.3f", ratio.median);
		snprintf(range_text, sizeof(range_text), "%.3f-%.3f", ratio.lowest, ratio.highest);
		snprintf(memory_text, sizeof(memory_text), "%.2f", result.memory_ratio);
	}
	format_number(target_text, sizeof(target_text),
		      load_target(load, variant->mode, variant->bpf), 3);
	printf("%-17s %-8s %-3s %7s %15s %7s %9.4f %7s %8.1f %8ld\n", load->name,
	       mode_names[variant->mode], variant->bpf == BPF_WITH ? "yes" : "no", ratio_text,
	       range_text, target_text, cpu.median, memory_text, memory.median,
	       variant->runs[count - 1].rows);
	results[number][variant->mode][variant->bpf] = result;
}

/* A star where the target was missed. */
static void print_cell(double ratio, double target)
{
	char text[16];

	format_number(text, sizeof(text), ratio, 3);
	if (ratio > 0 && target > 0 && ratio > target)
		strcat(text, " *");
	printf(" %s |", text);
}

static void print_summary_row(size_t number, const char *name, const enum mode *modes)
{
	const struct load *load = &loads[number];
	bool measured = false;

	for (int bpf = 0; bpf < N_BPF; bpf++)
		for (int i = 0; i < 3; i++)
			measured = measured || (modes[i] != N_MODES &&
						results[number][modes[i]][bpf].ratio > 0);
	if (!measured)
		return;
	printf("| %s |", name);
	for (int bpf = 0; bpf < N_BPF; bpf++) {
		for (int i = 0; i < 3; i++) {
			if (modes[i] == N_MODES)
				printf(" |");
			else
				print_cell(results[number][modes[i]][bpf].ratio,
					   load_target(load, modes[i], (enum bpf)bpf));
		}
		printf(" %.2f |", load_target(load, modes[0], (enum bpf)bpf));
	}
	putchar('\n');
}

void table_summary(void)
{
	static const enum mode all[3] = { MODE_GROUPED, MODE_RAW, MODE_JSON };
	static const enum mode port[3] = { MODE_PORT, N_MODES, N_MODES };

	printf("\nCPU of portshare / CPU of ss (median); * misses the target (json: %.1f times it, "
	       "on busy with BPF 0.15)\n\n"
	       "| load | grouped | raw | json | target | no BPF: grouped | raw | json | target |\n"
	       "|---|---|---|---|---|---|---|---|---|\n",
	       JSON_FACTOR);
	for (size_t i = 0; i < N_LOADS; i++)
		print_summary_row(i, loads[i].name, all);
	for (size_t i = 0; i < N_LOADS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "one port of %s", loads[i].name);
		print_summary_row(i, name, port);
	}
	for (size_t i = 0; i < N_LOADS; i++) {
		bool measured = false;

		if (!(loads[i].target_memory > 0))
			continue;
		for (int mode = 0; mode < N_MODES; mode++) {
			for (int bpf = 0; bpf < N_BPF; bpf++) {
				double ratio = results[i][mode][bpf].memory_ratio;

				if (mode == MODE_PORT || !(ratio > 0))
					continue;
				if (!measured)
					printf("\nPeak memory / that of ss on %s (target %.2f):",
					       loads[i].name, loads[i].target_memory);
				measured = true;
				printf(" %s%s %.2f%s", mode_names[mode],
				       bpf == BPF_WITH ? "" : " without BPF", ratio,
				       ratio > loads[i].target_memory ? " *" : "");
			}
		}
		if (measured)
			putchar('\n');
	}
}

void table_growth(void)
{
	printf("\nGrowth: CPU in microseconds a socket (tcp loads)\n\n| load |");
	for (int mode = 0; mode < MODE_PORT; mode++)
		printf(" %s | no BPF: %s |", mode_names[mode], mode_names[mode]);
	printf("\n|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < N_LOADS; i++) {
		bool measured = false;

		if (strcmp(loads[i].arguments[0], "tcp") != 0)
			continue;
		for (int mode = 0; mode < MODE_PORT; mode++)
			for (int bpf = 0; bpf < N_BPF; bpf++)
				measured = measured || results[i][mode][bpf].cpu > 0;
		if (!measured)
			continue;
		printf("| %s |", loads[i].name);
		for (int mode = 0; mode < MODE_PORT; mode++) {
			for (int bpf = 0; bpf < N_BPF; bpf++) {
				char text[16];

				format_number(text, sizeof(text),
					      results[i][mode][bpf].cpu * 1e6 /
						      (double)loads[i].sockets,
					      2);
				printf(" %s |", text);
			}
		}
		putchar('\n');
	}
}
