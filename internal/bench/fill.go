package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"idpool/internal/idpool"
)

// A crowd is people who are in the store before anybody asks.
//
// They come in the order of their subjects: that a database of ten million is
// made in minutes is because its trees grow at their ends. Subjects of providers
// have no order; those of the bench's other people have none either, and fall
// anywhere between these.
type crowd struct {
	number int // of the crowd, so that no two share a subject
	size   int
}

// subject is the subject of a person of the crowd, 32 hexadecimal digits like
// everybody's. The first half says how far in the crowd the person stands.
func (c crowd) subject(i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d", c.number, i))
	return fmt.Sprintf("%016x%x", ^uint64(0)/uint64(c.size)*uint64(i), sum[:8])
}

// someone is a person of the crowd, who differs with n, anywhere in it.
func (c crowd) someone(n int) string {
	sum := sha256.Sum256(fmt.Append(nil, n))
	return c.subject(int(binary.BigEndian.Uint64(sum[:]) % uint64(c.size)))
}

// together is how many of them are written in one transaction.
const together = 2000

// fill writes a crowd into the store, as the server itself writes a new person,
// while no server works on it.
func fill(ctx context.Context, s idpool.Store, pool idpool.PoolID, c crowd, progress func(step string, done, of int)) error {
	var made atomic.Int64
	return each(ctx, 2, (c.size+together-1)/together, func(batch int) error {
		people := make([]idpool.Identity, min(together, c.size-batch*together))
		for i := range people {
			people[i] = newIdentity(pool, c.subject(batch*together+i))
		}
		err := s.Update(ctx, func(w idpool.Writer) error {
			for _, p := range people {
				if err := w.CreateIdentity(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
		progress("fill the store", int(made.Add(int64(len(people)))), c.size)
		return err
	})
}

func newIdentity(pool idpool.PoolID, subject string) idpool.Identity {
	at := time.Now().UTC().Truncate(time.Millisecond)
	return idpool.Identity{ID: idpool.NewIdentityID(region, at), Pool: pool, Created: at, Modified: at,
		Logins: []idpool.Login{{Provider: Provider, Subject: subject}}}
}

// fileBytes is the size of a file; 0 if it is not there.
func fileBytes(path string) float64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return float64(info.Size())
}
