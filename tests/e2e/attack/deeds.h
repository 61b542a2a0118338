/* What an attacker can do: each its own function, called when the link is being made.  SECONDS is
 * for those that go on. */
#ifndef KHABARDAR_ATTACK_DEEDS_H
#define KHABARDAR_ATTACK_DEEDS_H

/* rules.c: breaks a rule of the conversation, once. */
void garbage(unsigned seconds);
void another_name(unsigned seconds);
void early_push(unsigned seconds);
void forge(unsigned seconds);
void change_body(unsigned seconds);
void false_ack(unsigned seconds);
void second_answer(unsigned seconds);
void overrun(unsigned seconds);
void incomplete(unsigned seconds);
void skip_number(unsigned seconds);
void take_credit_back(unsigned seconds);
void greet_for_ever(unsigned seconds);
void give_a_topology(unsigned seconds);

/* load.c: asks much of the peer, by rules that it keeps. */
void replay(unsigned seconds);
void bombs(unsigned seconds);
void dense(unsigned seconds);
void flood(unsigned seconds);
void pour(unsigned messages);
void drizzle(unsigned seconds);
void never_ack(unsigned seconds);
void deaf(unsigned seconds);
void recall_all(unsigned seconds);
void crowd(unsigned seconds);

/* probe.c: no attack. */
void probe(unsigned seconds);

/* claims.c: says what is not so, of messages and of sets of them. */
void twice(unsigned seconds);
void boast(unsigned seconds);
void lie_unasked(unsigned seconds);
void lie_badly(unsigned seconds);
void begin_for_ever(unsigned seconds);
void ask_for_ever(unsigned seconds);
void carry(unsigned seconds);

#endif
