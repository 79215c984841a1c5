#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The rules of portshare(7) and those that tests/live/rules.c asks the kernel for are the same.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

source_dir=${top_srcdir:-.}
page=$(sed -n 's/^\.It \[\([A-Z][0-9]*\)\]$/\1/p' "$source_dir/man/portshare.7" | sort)
tested=$(grep -oE '(rule|skip)\((1, )?"[A-Z][0-9]+' "$source_dir/tests/live/rules.c" | grep -oE '[A-Z][0-9]+$' | sort -u)
ok 'there are rules' test "$(echo "$page" | wc -l)" -ge 40
is 'each rule has a test, and each test a rule' "$tested" "$page"
is 'no number is there twice' "$(echo "$page" | uniq -d)" ''
# What is referred to is there.
for number in $(grep -oE '\[[A-Z][0-9]+\]' "$source_dir/man/portshare.7" | tr -d '[]' | sort -u); do
	like "[$number] is a rule" "$page" "^$number\$"
done
done_testing
