# Builds the HTML parser from selectolax's source archive, for debian/rules: lexbor and the binding that its authors
# generated with Cython. Debian 12's Cython is too old to generate it anew.
#
# It is compiled here, with Debian's hardening, rather than taken ready-made: it reads what strangers send. And it is
# compiled for Python's stable ABI (Py_LIMITED_API), so that the same file serves Python 3.11 of Debian 12, 3.13 of
# Debian 13 and whatever lies between the two while a host is being upgraded. No upstream script runs. The list is
# sorted: the order of a folder is not the same everywhere, and two builds shall give the same octets.
include /usr/share/dpkg/buildflags.mk

TOP := selectolax
OUT := debian/parser
SOURCES := $(TOP)/selectolax/lexbor.c \
    $(sort $(shell find $(TOP)/lexbor/source -name '*.c' ! -path '*/windows_nt/*'))
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)
CC := $(DEB_HOST_GNU_TYPE)-gcc
FLAGS := -std=c99 -fPIC -fvisibility=hidden -DLEXBOR_STATIC -I$(TOP)/lexbor/source

$(OUT)/lexbor.abi3.so: $(OBJECTS)
	@echo 'linking $@'
	@$(CC) -shared $(LDFLAGS) -o $@ $^

# Cython writes a few macros that the stable ABI does not have; debian/limited.h puts functions of it in their place.
$(OUT)/$(TOP)/selectolax/lexbor.o: FLAGS += -include debian/limited.h -DPy_LIMITED_API=0x030b0000 \
    -I$(shell python3 -c 'import sysconfig; print(sysconfig.get_path("include"))') -Werror=implicit-function-declaration

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) -c -o $@ $<
