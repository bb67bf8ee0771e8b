#ifndef CLOUDKEY_NDK_STDIO_H
#define CLOUDKEY_NDK_STDIO_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#include <stdarg.h>
typedef struct __sFILE FILE; typedef off_t fpos_t;
#if __ANDROID_API__ >= 23
extern FILE *stdin, *stdout, *stderr;
#define stdin stdin
#define stdout stdout
#define stderr stderr
#else
struct __sFILE { char __opaque[152]; } __attribute__((aligned(sizeof(void *))));
extern FILE __sF[];
#define stdin (&__sF[0])
#define stdout (&__sF[1])
#define stderr (&__sF[2])
#endif
#define EOF (-1)
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define BUFSIZ 1024
int printf(const char *, ...) __attribute__((format(printf, 1, 2))); int fprintf(FILE *, const char *, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4))); int sprintf(char *, const char *, ...); int asprintf(char **, const char *, ...);
int vfprintf(FILE *, const char *, va_list); int vsnprintf(char *, size_t, const char *, va_list); int vprintf(const char *, va_list); int vasprintf(char **, const char *, va_list);
int fputc(int, FILE *); int putc(int, FILE *); int fputs(const char *, FILE *); int puts(const char *); int putchar(int); int fgetc(FILE *); char *fgets(char *, int, FILE *); int sscanf(const char *, const char *, ...);
size_t fread(void *, size_t, size_t, FILE *); size_t fwrite(const void *, size_t, size_t, FILE *);
FILE *fopen(const char *, const char *); int fclose(FILE *); int fflush(FILE *); int fseek(FILE *, long, int); long ftell(FILE *); void perror(const char *); int remove(const char *); int rename(const char *, const char *); int ferror(FILE *); int feof(FILE *);
#ifdef __cplusplus
}
#endif
#endif
