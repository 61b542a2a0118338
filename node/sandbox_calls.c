/* seccomp(2): what the daemon may ask the kernel for.  What it and its libraries need is listed;
 * anything else does not exist (ENOSYS: a later C library falls back on what does), and what only
 * an intruder would try ends the process. */
#include "node/sandbox_parts.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Arguments are compared by their lower half, which lies first on these. */
#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifndef ARCHITECTURE

enum err sandbox_calls(bool *made, const pid_t *helpers, size_t n, struct report *report)
{
	(void)helpers;
	(void)n;
	(void)report;
	*made = false;
	return ERR_OK;
}

#else

static const int allowed[] = {
	/* files */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_preadv2,
	SYS_pwritev2,
	SYS_lseek,
	SYS_close,
	SYS_openat,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_faccessat,
	SYS_readlinkat,
	SYS_getdents64,
	SYS_fcntl,
	SYS_flock,
	SYS_fsync,
	SYS_fdatasync,
	SYS_sync_file_range,
	SYS_fallocate,
	SYS_ftruncate,
	SYS_truncate,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_mkdirat,
	SYS_unlinkat,
	SYS_renameat,
	SYS_renameat2,
	SYS_linkat,
	SYS_statfs,
	SYS_fstatfs,
	SYS_getcwd,
	SYS_umask,
	SYS_utimensat,
	SYS_fadvise64,
	SYS_copy_file_range,
	SYS_sendfile,
	SYS_dup,
	SYS_dup3,
	SYS_pipe2,
	/* memory */
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_msync,
	SYS_mlock,
	SYS_mlock2,
	SYS_munlock,
	SYS_mincore,
	SYS_membarrier,
	/* sockets and waiting */
	SYS_socketpair,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_connect,
	SYS_getsockname,
	SYS_getpeername,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_sendto,
	SYS_recvfrom,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_sendmmsg,
	SYS_recvmmsg,
	SYS_shutdown,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_ppoll,
	SYS_pselect6,
	SYS_eventfd2,
	/* threads, signals, time */
	SYS_futex,
	SYS_set_robust_list,
	SYS_get_robust_list,
	SYS_set_tid_address,
	SYS_gettid,
	SYS_getpid,
	SYS_getppid,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_sched_setaffinity,
	SYS_sched_getparam,
	SYS_sched_getscheduler,
	SYS_sched_setparam,
	SYS_sched_setscheduler,
	SYS_sched_get_priority_max,
	SYS_sched_get_priority_min,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigtimedwait,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
	SYS_wait4,
	SYS_waitid,
	SYS_nanosleep,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_gettimeofday,
	SYS_getrusage,
	SYS_times,
	SYS_getrandom,
	SYS_sysinfo,
	SYS_uname,
	/* who we are */
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getgroups,
	SYS_getresuid,
	SYS_getresgid,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_epoll_pwait2
	SYS_epoll_pwait2,
#endif
#ifdef SYS_futex_waitv
	SYS_futex_waitv,
#endif
#ifdef SYS_close_range
	SYS_close_range,
#endif
/* the older names of some of these */
#ifdef __x86_64__
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
	SYS_mkdir,
	SYS_rmdir,
	SYS_unlink,
	SYS_rename,
	SYS_link,
	SYS_chmod,
	SYS_creat,
	SYS_getdents,
	SYS_dup2,
	SYS_pipe,
	SYS_poll,
	SYS_select,
	SYS_epoll_create,
	SYS_epoll_wait,
	SYS_eventfd,
	SYS_time,
	SYS_arch_prctl,
#endif
};

/* Nothing here is a mistake that a program makes. */
static const int fatal[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_kexec_load,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_capset,
	SYS_setns,
};

enum { RULES_MAX = 512, HELPERS_MAX = 8 };

struct rules {
	struct sock_filter at[RULES_MAX];
	unsigned short count;
};

static void add(struct rules *r, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (r->count < RULES_MAX)
		r->at[r->count++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct rules *r, size_t offset)
{
	add(r, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct rules *r, uint32_t what)
{
	add(r, BPF_RET | BPF_K, what, 0, 0);
}

static void answer_if(struct rules *r, uint32_t value, uint32_t what)
{
	add(r, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	answer(r, what);
}

/* Call nr is allowed when that argument is one of the values, else it fails. */
static void allow_values(struct rules *r, int nr, unsigned argument, const uint32_t *values,
			 size_t n, int error)
{
	add(r, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, (uint8_t)(2 * n + 2));
	load(r, offsetof(struct seccomp_data, args) + 8 * argument);
	for (size_t i = 0; i < n; i++)
		answer_if(r, values[i], SECCOMP_RET_ALLOW);
	answer(r, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* A new thread, never a new process; clone3 hides its flags, and is done without. */
static void allow_threads(struct rules *r)
{
	add(r, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	load(r, offsetof(struct seccomp_data, args));
	add(r, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
	answer(r, SECCOMP_RET_ALLOW);
	answer(r, SECCOMP_RET_ERRNO | EPERM);
}

static void allow_some(struct rules *r, const pid_t *helpers, size_t n)
{
	static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	static const uint32_t requests[] = {TCGETS, FIONREAD, FIONBIO};
	static const uint32_t names[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA};
	const uint32_t self = (uint32_t)getpid(), own[] = {0, self};
	uint32_t pids[HELPERS_MAX + 1] = {self};
	size_t count = 1;

	for (size_t i = 0; i < n && count <= HELPERS_MAX; i++)
		if (helpers[i] > 0)
			pids[count++] = (uint32_t)helpers[i];
	allow_values(r, SYS_socket, 0, families, 4, EAFNOSUPPORT);
	allow_values(r, SYS_ioctl, 1, requests, 3, ENOTTY);
	allow_values(r, SYS_prctl, 0, names, 3, EINVAL);
	allow_values(r, SYS_prlimit64, 0, own, 2, EPERM);
	allow_values(r, SYS_tgkill, 0, &self, 1, EPERM);
	allow_values(r, SYS_kill, 0, pids, count, EPERM);
	allow_threads(r);
}

static void make(struct rules *r, const pid_t *helpers, size_t n)
{
	load(r, offsetof(struct seccomp_data, arch));
	add(r, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	answer(r, SECCOMP_RET_KILL_PROCESS);
	load(r, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		answer_if(r, (uint32_t)allowed[i], SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		answer_if(r, (uint32_t)fatal[i], SECCOMP_RET_KILL_PROCESS);
	allow_some(r, helpers, n);
	answer(r, SECCOMP_RET_ERRNO | ENOSYS);
}

enum err sandbox_calls(bool *made, const pid_t *helpers, size_t n, struct report *report)
{
	struct rules rules = {.count = 0};
	struct sock_fprog program;

	make(&rules, helpers, n);
	program = (struct sock_fprog){.len = rules.count, .filter = rules.at};
	*made = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
	if (*made || errno == ENOSYS || errno == EINVAL)
		return ERR_OK;
	report_add(report, "the sandbox: seccomp: %s", strerror(errno));
	return ERR_IO;
}

#endif
