package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// deletePolicy deletes a policy that nobody has and that has one version left.
func (s *Service) deletePolicy(ctx context.Context, caller idpool.Caller, in policyInput) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := ownPolicy(ctx, w, caller, in.PolicyArn)
		if err != nil {
			return err
		}
		count, err := attachments(ctx, w, caller.Account)
		switch {
		case err != nil:
			return err
		case count[p.ARN()] > 0:
			return idpool.Errorf(idpool.Conflict, "Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return idpool.Errorf(idpool.Conflict, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "+
				"The default version is deleted with the policy.")
		}
		return w.DeleteManagedPolicy(ctx, caller.Account, p.Name)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return wire.Empty{}, err
}
