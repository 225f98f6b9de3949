// Package phone reads phone numbers as people and services write them, and
// lists the forms in which a CRM may hold the same number.
//
// It is pure and safe for concurrent use. Chat2Desk stores phones as received:
// with or without +, with 8 instead of 7, with words around them, and it keeps
// messenger identities such as "[tg] 5551" in the same field (chat2desk
// reference §3.2, §6). An identity is never taken for a phone.
package phone
