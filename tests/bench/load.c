/*
 * A load generator that speaks the milter protocol (version 6) as Postfix 3.7 does, to measure a filter.
 *
 *   load -s SOCKET -t TEMPLATE [-n MESSAGES] [-c CONNECTIONS] [-b FIRST] [-m NAME=VALUE]...
 *
 * One thread keeps CONNECTIONS milter connections busy, each with one message after the other; a connection carries
 * many messages, with an abort between them, as smtpd(8) sends it. The template (see messages.py) holds one message,
 * or several as an mbox; slots of fixed width in it are filled for each message, so that recipient, name and opt-out
 * token differ as in a real campaign. Each connection encodes a whole transaction once, after negotiation, into an
 * image in which only the slots are written again: a message costs a few dozen octets of work beside the system calls.
 *
 * As in Postfix: macros go before each step, also before each header; steps negotiated as "no reply" are not waited
 * for and leave in one write with what follows; a filter that names one list of macros empties all others; the queue
 * id is unknown at MAIL and at the first RCPT; from HEADER on cleanup(8) speaks, whose {daemon_name} is the global one.
 *
 * Prints one line of JSON. Exits with 1 if a connection breaks, the filter breaks the protocol or is silent for 60 s.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 65535, MAX_MACROS = 64, MAX_TEMPLATES = 4096, MAX_ANSWER = 1 << 20, PATIENCE_MS = 60000 };
#define LEADSPC 0x100000u

/* ---- slots: places in a text that differ from message to message; a marker is as long as what replaces it ---- */

enum slot { NUMBER, NAME, TOKEN, QUEUE_ID, SLOTS };
static const char *const MARKERS[SLOTS] = {
    "%%NUMBER%%", "%%NAME%%", "%%TOKEN%%%%%%%%%%%%%%%%%%%%%%%%%", "%%QUEUEID%%"};
static const char *const NAMES[] = {"Angelica", "Benjamin", "Caroline", "Dominick", "Eleanora", "Florence", "Gabriela",
                                    "Humphrey", "Isabella", "Johannes", "Kathleen", "Leonardo", "Margaret", "Nicholas",
                                    "Penelope", "Reginald"};

struct piece { /* `length` octets of a slot's value, from octet `from`, belong at `at` */
    size_t at;
    uint16_t from, length;
    uint16_t slot;
};

static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *grown(void *old, size_t size)
{
    void *new = realloc(old, size);
    if (new == NULL)
        die("out of memory");
    return new;
}

static uint64_t mixed(uint64_t x) /* a bijection that scatters: no two numbers share a token */
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void slot_values(uint64_t number, char values[SLOTS][40])
{
    uint64_t hash = mixed(number);
    snprintf(values[NUMBER], 40, "%010llu", (unsigned long long)(number % 10000000000u));
    memcpy(values[NAME], NAMES[hash % (sizeof NAMES / sizeof *NAMES)], 9);
    snprintf(values[TOKEN], 40, "%016llx%016llx", (unsigned long long)hash, (unsigned long long)mixed(hash));
    snprintf(values[QUEUE_ID], 40, "4T%09llX", (unsigned long long)(number & 0xFFFFFFFFFu));
}

/* ---- what is sent: templates and macros, the same for all connections ---- */

struct text {
    const char *data;
    size_t length;
};
static struct text templates[MAX_TEMPLATES];
static size_t template_count;

struct macro {
    const char *name, *value; /* name without braces; a value may hold slots */
};
static struct macro macros[MAX_MACROS] = {
    {"j", "mail.example.test"},
    {"v", "Postfix 3.7.11"},
    {"_", "client.example.test [192.0.2.7]"},
    {"daemon_name", "submission"},
    {"daemon_addr", "127.0.0.1"},
    {"daemon_port", "587"},
    {"client_name", "client.example.test"},
    {"client_addr", "192.0.2.7"},
    {"client_port", "40000"},
    {"tls_version", "TLSv1.3"},
    {"cipher", "TLS_AES_256_GCM_SHA384"},
    {"cipher_bits", "256"},
    {"auth_type", "GSSAPI"},
    {"auth_authen", "svc/newsletter@EXAMPLE.TEST"},
    {"mail_addr", "news@example.test"},
    {"mail_host", "example.test"},
    {"mail_mailer", "smtp"},
    {"rcpt_addr", "reader%%NUMBER%%@example.net"},
    {"rcpt_host", "example.net"},
    {"rcpt_mailer", "smtp"},
    {"i", "%%QUEUEID%%"},
};
static size_t macro_count = 21;

/* By stage, in the numbering of SMFIM_*: what Postfix sends when the filter names no list. */
enum stage { AT_CONNECT, AT_HELO, AT_MAIL, AT_RCPT, AT_DATA, AT_END, AT_EOH, STAGES };
static const char *const DEFAULTS[STAGES] = {
    "j {daemon_name} {daemon_addr} v _",
    "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
    "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
    "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
    "i",
    "i",
    "i"};

struct step {
    char command;
    enum stage stage;
    uint32_t unwanted, unanswered; /* SMFIP_NO..., SMFIP_NR_... */
};
static const struct step CONNECT = {'C', AT_CONNECT, 0x1, 0x1000}, HELO = {'H', AT_HELO, 0x2, 0x2000},
                         MAIL = {'M', AT_MAIL, 0x4, 0x4000}, RCPT = {'R', AT_RCPT, 0x8, 0x8000},
                         DATA = {'T', AT_DATA, 0x200, 0x10000}, HEADER = {'L', AT_EOH, 0x20, 0x80},
                         EOH = {'N', AT_EOH, 0x40, 0x40000}, BODY = {'B', AT_END, 0x10, 0x80000},
                         END = {'E', AT_END, 0, 0};

/* ---- an image: one encoded transaction ---- */

struct stop { /* everything up to `at` is written, then an answer to `command` is awaited */
    size_t at;
    char command;
};
struct image {
    char *data;
    size_t length, room;
    struct piece *pieces;
    size_t piece_count, piece_room;
    struct stop *stops;
    size_t stop_count, stop_room;
    size_t end_at; /* where the end of message begins: the way on after a "skip" of the body */
};

struct connection {
    int fd;
    uint32_t steps;            /* as negotiated */
    char *lists[STAGES];       /* macros by stage, as negotiated */
    struct image *images;      /* one a template */
    struct image *image;       /* of the message under way */
    size_t written, stop;      /* in that image */
    bool is_first, is_blocked; /* no abort before the first message; the socket's buffer is full */
    uint64_t began, ended;     /* ns: first octet of the message, end of message written */
    char *answer;
    size_t answer_length;
};

static void put(struct image *image, const void *data, size_t length)
{
    if (image->length + length > image->room) {
        image->room = (image->length + length) * 2;
        image->data = grown(image->data, image->room);
    }
    memcpy(image->data + image->length, data, length);
    image->length += length;
}

static void put_piece(struct image *image, size_t at, size_t from, size_t length, size_t slot)
{
    if (image->piece_count == image->piece_room) {
        image->piece_room = image->piece_room * 2 + 16;
        image->pieces = grown(image->pieces, image->piece_room * sizeof *image->pieces);
    }
    image->pieces[image->piece_count++] = (struct piece){at, (uint16_t)from, (uint16_t)length, (uint16_t)slot};
}

/* Put octets [from, to) of a text; a slot that begins or ends outside of them is put as far as it is inside. */
static void put_text(struct image *image, struct text text, size_t from, size_t to)
{
    size_t base = image->length;
    put(image, text.data + from, to - from);
    size_t at = from > 40 ? from - 40 : 0;
    while (at < to) {
        const char *found = memmem(text.data + at, text.length - at, "%%", 2);
        if (found == NULL || (size_t)(found - text.data) >= to)
            return;
        at = (size_t)(found - text.data);
        size_t length = 1, slot;
        for (slot = 0; slot < SLOTS; slot++) {
            size_t wanted = strlen(MARKERS[slot]);
            if (text.length - at >= wanted && memcmp(found, MARKERS[slot], wanted) == 0) {
                size_t first = at < from ? from : at, last = at + wanted > to ? to : at + wanted;
                if (first < last)
                    put_piece(image, base + first - from, first - at, last - first, slot);
                length = wanted;
                break;
            }
        }
        at += length;
    }
}

static void put_string(struct image *image, const char *string) /* with its NUL */
{
    size_t length = strlen(string) + 1;
    put_text(image, (struct text){string, length}, 0, length);
}

static size_t open_packet(struct image *image, char command)
{
    size_t at = image->length;
    put(image, "\0\0\0\0", 4);
    put(image, &command, 1);
    return at;
}

static void close_packet(struct image *image, size_t at)
{
    uint32_t length = htonl((uint32_t)(image->length - at - 4));
    memcpy(image->data + at, &length, 4);
}

static const char *macro_value(const char *name, const struct step *step)
{
    bool is_cleanup = strchr("LNBE", step->command) != NULL;
    if (strcmp(name, "i") == 0 && (step->command == 'M' || step->command == 'R' || strchr("CH", step->command)))
        return NULL; /* the queue file is opened after the first recipient was accepted */
    if (is_cleanup && strcmp(name, "daemon_name") == 0)
        name = "j";
    if (is_cleanup && (!strncmp(name, "mail_", 5) || !strncmp(name, "rcpt_", 5) || !strncmp(name, "tls_", 4) ||
                       !strncmp(name, "cipher", 6)))
        return NULL;
    if ((strchr("CH", step->command) && (!strncmp(name, "mail_", 5) || !strncmp(name, "auth_", 5))) ||
        (step->command != 'R' && !strncmp(name, "rcpt_", 5)))
        return NULL;
    for (size_t each = macro_count; each-- > 0;) /* the last one given counts */
        if (strcmp(macros[each].name, name) == 0)
            return macros[each].value;
    return NULL;
}

static void put_macros(struct connection *c, struct image *image, const struct step *step)
{
    size_t packet = open_packet(image, 'D');
    put(image, &step->command, 1);
    char *names = strdup(c->lists[step->stage]), *rest = NULL;
    for (char *name = strtok_r(names, " \t\r\n,", &rest); name; name = strtok_r(NULL, " \t\r\n,", &rest)) {
        char bare[128];
        snprintf(bare, sizeof bare, "%s", name[0] == '{' ? name + 1 : name);
        bare[strcspn(bare, "}")] = '\0';
        const char *value = macro_value(bare, step);
        if (value != NULL) {
            put(image, name, strlen(name) + 1);
            put_string(image, value);
        }
    }
    free(names);
    close_packet(image, packet);
}

/* Begin a step: its macros go out in any case. Returns whether the step itself is wanted. */
static bool open_step(struct connection *c, struct image *image, const struct step *step, size_t *packet)
{
    put_macros(c, image, step);
    if (c->steps & step->unwanted)
        return false;
    *packet = open_packet(image, step->command);
    return true;
}

static void close_step(struct connection *c, struct image *image, const struct step *step, size_t packet)
{
    close_packet(image, packet);
    if (c->steps & step->unanswered)
        return;
    if (image->stop_count == image->stop_room) {
        image->stop_room = image->stop_room * 2 + 16;
        image->stops = grown(image->stops, image->stop_room * sizeof *image->stops);
    }
    image->stops[image->stop_count++] = (struct stop){image->length, step->command};
}

static void put_simple(struct connection *c, struct image *image, const struct step *step, const char *string)
{
    size_t packet;
    if (!open_step(c, image, step, &packet))
        return;
    if (string != NULL)
        put_string(image, string);
    close_step(c, image, step, packet);
}

/* Put the header block; return where the body begins. The text has CRLF line ends; folds go out as LF + blank. */
static size_t put_headers(struct connection *c, struct image *image, struct text text)
{
    size_t at = 0;
    while (at < text.length && text.data[at] != '\r') {
        const char *colon = memchr(text.data + at, ':', text.length - at);
        if (colon == NULL)
            die("a template has a line that is no header field");
        size_t name_end = (size_t)(colon - text.data), packet = 0;
        bool is_wanted = open_step(c, image, &HEADER, &packet);
        if (is_wanted) {
            put_text(image, text, at, name_end);
            put(image, "", 1);
        }
        at = name_end + 1;
        if (!(c->steps & LEADSPC) && at < text.length && text.data[at] == ' ')
            at++;
        for (bool is_folded = true; is_folded;) {
            const char *line_end = memmem(text.data + at, text.length - at, "\r\n", 2);
            if (line_end == NULL)
                die("a template has no CRLF after a header field");
            size_t end = (size_t)(line_end - text.data);
            is_folded = end + 2 < text.length && (text.data[end + 2] == ' ' || text.data[end + 2] == '\t');
            if (is_wanted) {
                put_text(image, text, at, end);
                put(image, is_folded ? "\n" : "", 1);
            }
            at = end + 2;
        }
        if (is_wanted)
            close_step(c, image, &HEADER, packet);
    }
    return at + 2 < text.length ? at + 2 : text.length;
}

static void encode(struct connection *c, struct image *image, struct text text)
{
    size_t packet, at;
    close_packet(image, open_packet(image, 'A'));
    put_simple(c, image, &MAIL, "<news@example.test>");
    put_simple(c, image, &RCPT, "<reader%%NUMBER%%@example.net>");
    put_simple(c, image, &DATA, NULL);
    at = put_headers(c, image, text);
    put_simple(c, image, &EOH, NULL);
    for (; at < text.length; at += CHUNK) {
        size_t end = text.length - at > CHUNK ? at + CHUNK : text.length;
        if (open_step(c, image, &BODY, &packet)) {
            put_text(image, text, at, end);
            close_step(c, image, &BODY, packet);
        }
    }
    image->end_at = image->length;
    put_simple(c, image, &END, NULL);
}

/* ---- setting a connection up, blocking ---- */

static int dial(const char *endpoint)
{
    if (strncmp(endpoint, "unix:", 5) == 0 || strncmp(endpoint, "local:", 6) == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", strchr(endpoint, ':') + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
            die("cannot connect to %s: %s", endpoint, strerror(errno));
        return fd;
    }
    if (strncmp(endpoint, "inet:", 5) != 0)
        die("a socket is unix:/path, inet:host:port or inet:port@host, not %s", endpoint);
    char *where = strdup(endpoint + 5), *host = where, *port = strchr(where, '@');
    if (port != NULL) {
        *port = '\0';
        host = port + 1;
        port = where;
    } else if ((port = strrchr(where, ':')) != NULL) {
        *port++ = '\0';
    } else {
        die("no port in %s", endpoint);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        die("no such address: %s", endpoint);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        die("cannot connect to %s: %s", endpoint, strerror(errno));
    freeaddrinfo(found);
    free(where);
    return fd;
}

static void write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t done = send(fd, data, length, MSG_NOSIGNAL);
        if (done <= 0)
            die("the filter hung up: %s", strerror(errno));
        data += done;
        length -= (size_t)done;
    }
}

static void read_all(int fd, void *data, size_t length)
{
    while (length > 0) {
        ssize_t done = recv(fd, data, length, 0);
        if (done <= 0)
            die("the filter hung up or was silent before the first message");
        data = (char *)data + done;
        length -= (size_t)done;
    }
}

static uint32_t read_packet(struct connection *c) /* into c->answer; returns the length */
{
    uint32_t length;
    read_all(c->fd, &length, 4);
    length = ntohl(length);
    if (length == 0 || length > MAX_ANSWER)
        die("the filter sent a packet of %u octets", length);
    read_all(c->fd, c->answer, length);
    return length;
}

static void negotiate(struct connection *c)
{
    uint32_t offer[] = {htonl(13), 0, 0, 0}, said[3], stage;
    char packet[17] = {0};
    memcpy(packet, offer, 4);
    packet[4] = 'O';
    offer[0] = htonl(6), offer[1] = htonl(0x1FF), offer[2] = htonl(0x1FFFFF);
    memcpy(packet + 5, offer, 12);
    write_all(c->fd, packet, sizeof packet);
    uint32_t length = read_packet(c);
    if (c->answer[0] != 'O' || length < 13)
        die("the filter refuses to negotiate");
    memcpy(said, c->answer + 1, 12);
    c->steps = ntohl(said[2]);
    for (int each = 0; each < STAGES; each++)
        c->lists[each] = strdup(length > 13 ? "" : DEFAULTS[each]);
    for (uint32_t at = 13; at + 4 < length;) {
        memcpy(&stage, c->answer + at, 4);
        stage = ntohl(stage);
        size_t size = strnlen(c->answer + at + 4, length - at - 4);
        if (stage >= STAGES || at + 4 + size >= length)
            die("the filter asks for the macros of a stage that does not exist");
        free(c->lists[stage]);
        c->lists[stage] = strdup(c->answer + at + 4);
        at += 4 + (uint32_t)size + 1;
    }
}

static void introduce(struct connection *c)
{
    static const char client[] = "client.example.test\0004\x9c\x40" "192.0.2.7"; /* family 4, port 40000 */
    struct image hello = {0};
    size_t packet, done = 0;
    if (open_step(c, &hello, &CONNECT, &packet)) {
        put(&hello, client, sizeof client);
        close_step(c, &hello, &CONNECT, packet);
    }
    put_simple(c, &hello, &HELO, "client.example.test");
    for (size_t stop = 0; stop <= hello.stop_count; stop++) {
        size_t end = stop < hello.stop_count ? hello.stops[stop].at : hello.length;
        write_all(c->fd, hello.data + done, end - done);
        done = end;
        if (stop < hello.stop_count) {
            read_packet(c);
            if (c->answer[0] != 'c')
                die("the filter answers '%c' to '%c': nothing to measure", c->answer[0], hello.stops[stop].command);
        }
    }
    free(hello.data), free(hello.stops), free(hello.pieces);
}

static void begin_connection(struct connection *c, const char *endpoint)
{
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    c->fd = dial(endpoint);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    c->answer = grown(NULL, MAX_ANSWER + 4);
    c->is_first = true;
    negotiate(c);
    introduce(c);
    c->images = grown(NULL, template_count * sizeof *c->images);
    memset(c->images, 0, template_count * sizeof *c->images);
    for (size_t each = 0; each < template_count; each++)
        encode(c, &c->images[each], templates[each]);
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
}

/* ---- the run ---- */

static struct {
    uint64_t total, first, next, done, accepted, rejected, tempfailed, replycoded, discarded, quarantined, inserted;
    uint64_t octets;
    uint64_t *end_ns, *whole_ns;
    size_t end_count;
    char first_reply[400];
} run;
static int poller;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void want_writing(struct connection *c, bool is_blocked)
{
    if (c->is_blocked == is_blocked)
        return;
    c->is_blocked = is_blocked;
    struct epoll_event event = {.events = EPOLLIN | (is_blocked ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void advance(struct connection *c) /* write up to the next stop */
{
    struct stop *stop = &c->image->stops[c->stop];
    while (c->written < stop->at) {
        ssize_t done = send(c->fd, c->image->data + c->written, stop->at - c->written, MSG_NOSIGNAL);
        if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
            want_writing(c, true);
            return;
        }
        if (done < 0)
            die("the filter hung up: %s", strerror(errno));
        c->written += (size_t)done;
        run.octets += (uint64_t)done;
    }
    want_writing(c, false);
    if (stop->command == 'E')
        c->ended = now();
}

static void begin_message(struct connection *c)
{
    char values[SLOTS][40];
    if (run.next == run.total) {
        static const char farewell[] = "\0\0\0\1A\0\0\0\1Q"; /* the last message's abort, and quit */
        if (send(c->fd, farewell, sizeof farewell - 1, MSG_NOSIGNAL) < 0)
            die("the filter hung up at the end: %s", strerror(errno));
        epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
        close(c->fd);
        c->fd = -1;
        return;
    }
    uint64_t number = run.first + run.next++;
    c->image = &c->images[number % template_count];
    slot_values(number, values);
    for (size_t each = 0; each < c->image->piece_count; each++) {
        struct piece *piece = &c->image->pieces[each];
        memcpy(c->image->data + piece->at, values[piece->slot] + piece->from, piece->length);
    }
    c->written = c->is_first ? 5 : 0; /* 5: the abort packet */
    c->is_first = false;
    c->stop = 0;
    c->began = now();
    c->ended = 0;
    advance(c);
}

static void finish_message(struct connection *c, uint64_t *count)
{
    uint64_t time = now();
    if (c->ended != 0)
        run.end_ns[run.end_count++] = time - c->ended;
    run.whole_ns[run.done++] = time - c->began;
    ++*count;
    begin_message(c);
}

static void take_answer(struct connection *c, const char *data, size_t length)
{
    bool is_end = c->image->stops[c->stop].command == 'E';
    switch (data[0]) {
    case 'p': /* still at work */
        return;
    case 'h':
    case 'i':
        run.inserted++;
        return;
    case 'q':
        run.quarantined++;
        return;
    case 'm':
    case 'b':
    case 'e':
    case '+':
    case '-':
    case '2':
        return; /* other edits: taken, not counted */
    case 'a':
        finish_message(c, &run.accepted);
        return;
    case 'r':
        finish_message(c, &run.rejected);
        return;
    case 't':
        finish_message(c, &run.tempfailed);
        return;
    case 'd':
        finish_message(c, &run.discarded);
        return;
    case 'y':
        if (run.first_reply[0] == '\0')
            snprintf(run.first_reply, sizeof run.first_reply, "%.*s", (int)length - 1, data + 1);
        finish_message(c, &run.replycoded);
        return;
    case 's': /* no more of this kind; only a body comes in several packets that matter */
        if (c->image->stops[c->stop].command == 'B')
            while (c->image->stops[c->stop + 1].command == 'B')
                c->written = c->image->end_at, c->stop++;
        /* fall through */
    case 'c':
        if (is_end) {
            finish_message(c, &run.accepted); /* at the end the same to an MTA */
        } else {
            c->stop++;
            advance(c);
        }
        return;
    default:
        die("the filter answers '%c' to '%c'", data[0], c->image->stops[c->stop].command);
    }
}

static void read_answers(struct connection *c)
{
    ssize_t got = recv(c->fd, c->answer + c->answer_length, MAX_ANSWER + 4 - c->answer_length, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        die("the filter hung up after '%c', %llu messages done", c->image->stops[c->stop].command,
            (unsigned long long)run.done);
    if (got < 0)
        return;
    c->answer_length += (size_t)got;
    size_t at = 0;
    uint32_t length;
    while (c->fd >= 0 && c->answer_length - at >= 4) {
        memcpy(&length, c->answer + at, 4);
        length = ntohl(length);
        if (length == 0 || length > MAX_ANSWER)
            die("the filter sent a packet of %u octets", length);
        if (c->answer_length - at - 4 < length)
            break;
        take_answer(c, c->answer + at + 4, length);
        at += 4 + (size_t)length;
    }
    c->answer_length -= at;
    memmove(c->answer, c->answer + at, c->answer_length);
}

/* ---- the report ---- */

static int in_order(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static double percentile_ms(uint64_t *sorted, size_t count, unsigned percent)
{
    return count == 0 ? 0.0 : (double)sorted[(count - 1) * percent / 100] / 1e6;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void report(double seconds, double cpu, int connections)
{
    qsort(run.end_ns, run.end_count, sizeof *run.end_ns, in_order);
    qsort(run.whole_ns, run.done, sizeof *run.whole_ns, in_order);
    printf("{\"messages\": %llu, \"connections\": %d, \"seconds\": %.3f, \"rate\": %.1f, ",
           (unsigned long long)run.done, connections, seconds, (double)run.done / seconds);
    printf("\"end_p50_ms\": %.3f, \"end_p99_ms\": %.3f, ", percentile_ms(run.end_ns, run.end_count, 50),
           percentile_ms(run.end_ns, run.end_count, 99));
    printf("\"whole_p50_ms\": %.3f, \"whole_p99_ms\": %.3f, ", percentile_ms(run.whole_ns, run.done, 50),
           percentile_ms(run.whole_ns, run.done, 99));
    printf("\"accepted\": %llu, \"rejected\": %llu, \"tempfailed\": %llu, \"replycoded\": %llu, \"discarded\": %llu, ",
           (unsigned long long)run.accepted, (unsigned long long)run.rejected, (unsigned long long)run.tempfailed,
           (unsigned long long)run.replycoded, (unsigned long long)run.discarded);
    printf("\"quarantined\": %llu, \"inserted\": %llu, \"octets\": %llu, ", (unsigned long long)run.quarantined,
           (unsigned long long)run.inserted, (unsigned long long)run.octets);
    printf("\"load_cpu_seconds\": %.3f, \"load_share\": %.4f, \"first_reply\": \"", cpu, cpu / seconds);
    for (const char *c = run.first_reply; *c != '\0'; c++)
        putchar(*c < ' ' || *c > '~' || *c == '"' || *c == '\\' ? '?' : *c);
    puts("\"}");
}

/* ---- arguments ---- */

static void read_templates(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die("cannot read %s: %s", path, strerror(errno));
    char *raw = NULL, *text = NULL;
    size_t length = 0, size = 0, got;
    do {
        raw = grown(raw, length + 65536);
        got = fread(raw + length, 1, 65536, file);
        length += got;
    } while (got > 0);
    fclose(file);
    text = grown(NULL, 2 * length + 4); /* with CRLF throughout */
    size_t begin = 0;
    for (size_t at = 0; at <= length; at++) {
        bool is_line_start = at == 0 || raw[at - 1] == '\n';
        if (at == length || (is_line_start && length - at > 5 && memcmp(raw + at, "From ", 5) == 0)) {
            if (size > begin) {
                if (template_count == MAX_TEMPLATES)
                    die("more than %d messages in %s", MAX_TEMPLATES, path);
                templates[template_count++] = (struct text){text + begin, size - begin};
                begin = size;
            }
            while (at < length && raw[at] != '\n')
                at++;
            continue;
        }
        if (raw[at] == '\n' && (at == 0 || raw[at - 1] != '\r'))
            text[size++] = '\r';
        text[size++] = raw[at];
    }
    free(raw);
    if (template_count == 0)
        die("no message in %s", path);
}

static void add_macro(char *argument)
{
    char *equals = strchr(argument, '=');
    if (equals == NULL || macro_count == MAX_MACROS)
        die("a macro is NAME=VALUE, at most %d of them: %s", MAX_MACROS, argument);
    *equals = '\0';
    macros[macro_count++] = (struct macro){argument, equals + 1};
}

static uint64_t counted(const char *argument)
{
    char *end;
    unsigned long long value = strtoull(argument, &end, 10);
    if (*argument == '\0' || *end != '\0')
        die("not a number: %s", argument);
    return value;
}

static void serve(struct connection *connections, int count)
{
    struct epoll_event events[256];
    for (int each = 0; each < count; each++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[each]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[each].fd, &event) != 0)
            die("epoll: %s", strerror(errno));
    }
    for (int each = 0; each < count; each++)
        begin_message(&connections[each]);
    while (run.done < run.total) {
        int ready = epoll_wait(poller, events, 256, PATIENCE_MS);
        if (ready == 0)
            die("no answer for %d seconds, %llu messages done", PATIENCE_MS / 1000, (unsigned long long)run.done);
        for (int each = 0; each < ready; each++) {
            struct connection *c = events[each].data.ptr;
            if (events[each].events & EPOLLOUT && c->is_blocked)
                advance(c);
            if (events[each].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_answers(c);
        }
    }
}

int main(int argc, char **argv)
{
    const char *endpoint = NULL, *path = NULL;
    int count = 8, option;
    run.total = 2000;
    while ((option = getopt(argc, argv, "s:t:n:c:b:m:")) != -1) {
        switch (option) {
        case 's': endpoint = optarg; break;
        case 't': path = optarg; break;
        case 'n': run.total = counted(optarg); break;
        case 'c': count = (int)counted(optarg); break;
        case 'b': run.first = counted(optarg); break;
        case 'm': add_macro(optarg); break;
        default: die("usage: load -s SOCKET -t TEMPLATE [-n MESSAGES] [-c CONNECTIONS] [-b FIRST] [-m NAME=VALUE]...");
        }
    }
    if (endpoint == NULL || path == NULL || run.total == 0 || count < 1 || count > 10000 || optind != argc)
        die("usage: load -s SOCKET -t TEMPLATE [-n MESSAGES] [-c CONNECTIONS] [-b FIRST] [-m NAME=VALUE]...");
    read_templates(path);
    run.end_ns = grown(NULL, run.total * sizeof *run.end_ns);
    run.whole_ns = grown(NULL, run.total * sizeof *run.whole_ns);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    if (connections == NULL || (poller = epoll_create1(EPOLL_CLOEXEC)) < 0)
        die("cannot begin: %s", strerror(errno));
    for (int each = 0; each < count; each++)
        begin_connection(&connections[each], endpoint);
    double cpu = cpu_seconds();
    uint64_t began = now();
    serve(connections, count);
    report((double)(now() - began) / 1e9, cpu_seconds() - cpu, count);
    return 0;
}
