#!/usr/bin/perl
# What Email::Address::XS sees in address fields: one field a line on standard input, in hex, as UTF-8; for each, one
# line on standard output with every addr-spec it finds, in hex and parted by blanks, and "?" for what it calls invalid.
use strict;
use warnings;
use Email::Address::XS;
use Encode;

$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    my $field = Encode::decode('UTF-8', pack('H*', $line));
    my @seen;
    for my $found (Email::Address::XS->parse($field)) {
        my $address = $found->is_valid ? $found->address : undef;
        push @seen, defined $address ? unpack('H*', Encode::encode('UTF-8', $address)) : '?';
    }
    print join(' ', @seen), "\n";
}
