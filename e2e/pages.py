"""boto3's paginator on a thousand pools, with every page size, while others make
and delete pools.

Run by pages_test.go, which passes ENDPOINT and STAY: a file with the IDs of the
pools that stay.
"""
import json
import os
import unittest

import boto3
from botocore.config import Config

with open(os.environ["STAY"]) as file:
    STAY = json.load(file)


def delete(pools, pool):
    """Deletes a pool and tells whether it was there still."""
    try:
        pools.delete_identity_pool(IdentityPoolId=pool)
        return True
    except pools.exceptions.ResourceNotFoundException:
        return False


class Pages(unittest.TestCase):
    def test_every_page_size(self):
        pools = boto3.client("cognito-identity", endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
        paginator, staying, others, cut = pools.get_paginator("list_identity_pools"), set(STAY), 0, 0
        for size in range(1, 61):
            pages, deleted = [], False
            for page in paginator.paginate(PaginationConfig={"PageSize": size}):
                pages.append([p["IdentityPoolId"] for p in page["IdentityPools"]])
                if not deleted and pages[-1] and pages[-1][-1] not in staying:
                    deleted = delete(pools, pages[-1][-1])
            seen = [pool for page in pages for pool in page]
            self.assertEqual({size}, {len(page) for page in pages[:-1]}, "pages but the last are full")
            self.assertLessEqual(len(pages[-1]), size)
            self.assertEqual(len(set(seen)), len(seen), f"page size {size}: a pool twice")
            self.assertEqual(STAY, [pool for pool in seen if pool in staying], f"page size {size}")
            others += len(seen) - len(STAY)
            cut += deleted
        self.assertGreater(others, 0, "no pool was there that did not stay")
        self.assertGreater(cut, 20, "few passes in which the last pool of a page was deleted")


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # older versions leave sockets open
