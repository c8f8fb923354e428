/* The vDSO of a traced process: its functions are found by its table of symbols, so an entry that
 * points elsewhere is enough. The stub goes behind the kernel's code, into what is left of the last
 * page: only the process's own copy of these pages changes. */
#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "lens.h"
#include "stub.h"

struct patch {
    uint64_t at; /* of an Elf64_Sym, from the vDSO's beginning */
    Elf64_Sym symbol;
};

static struct {
    bool looked, works;
    uint64_t stub, size; /* where it goes, and how large the vDSO is */
    uint64_t clock_gettime;
    struct patch patches[8];
    int count;
} plan;

static const struct {
    const char *name;
    const void *instead;
} functions[] = {
    {"__vdso_clock_gettime", stub_clock_gettime}, {"clock_gettime", stub_clock_gettime},
    {"__vdso_gettimeofday", stub_gettimeofday},   {"gettimeofday", stub_gettimeofday},
    {"__vdso_time", stub_time},                   {"time", stub_time},
    {"__kernel_clock_gettime", stub_clock_gettime}, {"__kernel_gettimeofday", stub_gettimeofday},
};

static uint64_t offset_in_stub(const void *function) {
    return (uint64_t)((const char *)function - __start_lens_stub);
}

static void plan_symbol(const char *image, const Elf64_Sym *symbol, const char *name) {
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        if (strcmp(name, functions[k].name) || plan.count == 8) continue;
        struct patch *patch = &plan.patches[plan.count++];
        patch->at = (uint64_t)((const char *)symbol - image);
        patch->symbol = *symbol;
        patch->symbol.st_value = plan.stub + offset_in_stub(functions[k].instead);
        if (functions[k].instead == (const void *)stub_clock_gettime)
            plan.clock_gettime = symbol->st_value;
    }
}

/* Our own vDSO is the same image as everybody's. */
static void look(void) {
    const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end = 0;
    const Elf64_Sym *symbols = NULL;
    const char *names = NULL;
    const uint32_t *hash = NULL;
    plan.looked = true;
    if (!image) return;
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)image;
    const Elf64_Phdr *parts = (const Elf64_Phdr *)(image + head->e_phoff);
    for (int k = 0; k < head->e_phnum; k++) {
        /* Addresses are offsets from its beginning, as far as we know; else we leave it alone. */
        if (parts[k].p_type == PT_LOAD && (parts[k].p_vaddr || parts[k].p_offset)) return;
        if (parts[k].p_type == PT_LOAD) end = parts[k].p_memsz;
        if (parts[k].p_type != PT_DYNAMIC) continue;
        const Elf64_Dyn *tag = (const Elf64_Dyn *)(image + parts[k].p_vaddr);
        for (; tag->d_tag; tag++) {
            if (tag->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym *)(image + tag->d_un.d_ptr);
            if (tag->d_tag == DT_STRTAB) names = image + tag->d_un.d_ptr;
            if (tag->d_tag == DT_HASH) hash = (const uint32_t *)(image + tag->d_un.d_ptr);
        }
    }
    plan.stub = (end + 63) & ~63ULL;
    plan.size = (end + page - 1) & ~(page - 1);
    if (!end || !symbols || !names || !hash) return;
    if (plan.stub + (uint64_t)(__stop_lens_stub - __start_lens_stub) > plan.size) return;
    for (uint32_t k = 0; k < hash[1]; k++) /* the length of the chain: one for each symbol */
        if (symbols[k].st_shndx) plan_symbol(image, &symbols[k], names + symbols[k].st_name);
    plan.works = plan.clock_gettime && (const char *)&stub_data == __start_lens_stub;
}

bool vdso_stub(pid_t tid, uint64_t vdso) {
    if (!plan.looked) look();
    if (!plan.works) return false;
    char stub[4096];
    size_t size = (size_t)(__stop_lens_stub - __start_lens_stub);
    memcpy(stub, __start_lens_stub, size);
    struct stub_data data = {clock_base(), stub_factor(clock_speed()), vdso + plan.clock_gettime};
    memcpy(stub, &data, sizeof data);
    if (!memory_put(tid, vdso + plan.stub, stub, size)) return false;
    for (int k = 0; k < plan.count; k++)
        if (!memory_put(tid, vdso + plan.patches[k].at, &plan.patches[k].symbol, sizeof(Elf64_Sym)))
            return false;
    return true;
}

bool vdso_holds(uint64_t vdso, uint64_t ip) { return vdso && ip >= vdso && ip < vdso + plan.size; }
